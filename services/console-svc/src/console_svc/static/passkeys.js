// The browser's part with passkeys (WebAuthn Level 3): fills in `credential` of a form, and sends it.
// A form that it could not fill in is sent as well: the answer says what to do.

const OPTIONS_LAST = 4 * 60 * 1000; // Milliseconds; the server's challenges last five minutes.
const forms = [...document.querySelectorAll("form[data-passkey]")];
let suggestion = new AbortController();

async function optionsOf(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "X-CSRF-Token": form.elements.csrf.value },
  });
  if (!answer.ok) {
    throw new Error(`refused: ${answer.status}`);
  }
  return (await answer.json()).publicKey;
}

async function credentialOf(form, more) {
  const options = await optionsOf(form);
  const made =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
          ...more,
        });
  return JSON.stringify(made.toJSON());
}

function send(form, credential) {
  form.elements.credential.value = credential;
  form.submit();
}

// The browser offers passkeys where one types the address of the account.
async function suggest(form) {
  while (true) {
    suggestion = new AbortController();
    const { signal } = suggestion;
    const old = setTimeout(() => suggestion.abort("old"), OPTIONS_LAST);
    try {
      send(form, await credentialOf(form, { mediation: "conditional", signal }));
      return;
    } catch {
      if (signal.reason !== "old") {
        return;
      }
    } finally {
      clearTimeout(old);
    }
  }
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  for (const form of forms) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      suggestion.abort("pressed");
      let credential = "";
      try {
        credential = await credentialOf(form, {});
      } catch {
        // Refused by the server, or ended by the visitor.
      }
      button.disabled = false;
      send(form, credential);
    });
  }
  for (const hint of document.querySelectorAll("[data-without-passkeys]")) {
    hint.hidden = true;
  }
  const suggesting = forms.find((form) => "suggest" in form.dataset);
  if (suggesting && (await PublicKeyCredential.isConditionalMediationAvailable?.())) {
    suggest(suggesting);
  }
}
