// What pages do beyond forms and links; everything works without it.

// Progress of uploads. The form is sent by script, and the answer takes the place of the page.
for (const form of document.querySelectorAll("form[data-progress]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const bar = form.querySelector("progress");
    const button = form.querySelector("button");
    bar.hidden = false;
    button.disabled = true;
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) {
        bar.max = sent.total;
        bar.value = sent.loaded;
      }
    });
    request.addEventListener("load", () => {
      if (request.status < 400) {
        location.assign(request.responseURL);
        return;
      }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const told = page.querySelector(".faults, .reasons");
      form.parentElement.querySelector(".faults, .reasons")?.remove();
      if (told) {
        form.before(document.adoptNode(told));
      }
      bar.hidden = true;
      button.disabled = false;
    });
    request.addEventListener("error", () => {
      bar.hidden = true;
      button.disabled = false;
    });
    request.open("POST", form.action);
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
