// What pages do beyond forms and links; everything works without it.

// Why a call of a script was refused: what the page in the answer says. Gateways and proxies may
// answer without a page, and sometimes no answer comes at all.
function reasons(request) {
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const told = page.querySelectorAll(".faults > *, .reasons, .reasons ~ .small");
  const box = document.createElement("div");
  box.className = "faults";
  box.setAttribute("role", "alert");
  if (told.length) {
    box.append(...told);
    return box;
  }
  const texts = document.body.dataset;
  const id = request.status ? request.getResponseHeader("X-Request-Id") : null;
  const lines = [request.status ? texts.refused.replace("{code}", request.status) : texts.noAnswer];
  if (id) {
    lines.push(texts.requestId.replace("{id}", id));
  }
  for (const line of lines) {
    box.append(Object.assign(document.createElement("p"), { textContent: line }));
  }
  return box;
}

// Searches while somebody types: they ask for pages, so that refusals are pages, too.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers.Accept = "text/html";
});
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    event.detail.target.replaceChildren(reasons(event.detail.xhr));
  });
}

// Progress of uploads. The form is sent by script, and the answer takes the place of the page.
for (const form of document.querySelectorAll("form[data-progress]")) {
  const bar = form.querySelector("progress");
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.parentElement.querySelector(".faults")?.remove();
    bar.hidden = false;
    button.disabled = true;
    const request = new XMLHttpRequest();
    const refused = () => {
      form.before(reasons(request));
      bar.hidden = true;
      button.disabled = false;
    };
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) {
        bar.max = sent.total;
        bar.value = sent.loaded;
      }
    });
    request.addEventListener("load", () => {
      if (request.status < 400) {
        location.assign(request.responseURL);
      } else {
        refused();
      }
    });
    request.addEventListener("error", refused);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.send(new FormData(form));
  });
}

// Keys of the queue: a link or button names its key; while somebody types, keys are letters.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  // A key that is held down is not pressed again, also if the next page has come meanwhile.
  if (event.repeat || typing || event.ctrlKey || event.metaKey || event.altKey || !/^[a-z]$/.test(event.key)) {
    return;
  }
  document.querySelector(`[data-key="${event.key}"]`)?.click();
});
