// Shows the API document with Swagger UI. "Try it out" uses the session of the browser.
"use strict";

const DOCUMENT = "/api/v2/barong/openapi.json";
const SESSION = "/api/v2/barong/identity/sessions";
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS", "TRACE"];
// A call that brings one of these is not authenticated by the cookie.
const CREDENTIALS = ["authorization", "x-auth-apikey", "signature", "x-csrf-token"];

/** Returns the CSRF token of the browser's session, or null where there is no session. */
async function csrfToken() {
  const answer = await fetch(SESSION, { credentials: "same-origin", cache: "no-store" });
  return answer.ok ? (await answer.json()).csrf_token : null;
}

/** Adds the CSRF token to a call that the session's cookie authenticates and that changes something. */
async function withCsrfToken(request) {
  if (request.loadSpec) {
    return request;
  }
  const names = Object.keys(request.headers).map((name) => name.toLowerCase());
  if (
    SAFE_METHODS.includes(request.method.toUpperCase()) ||
    new URL(request.url, location.href).origin !== location.origin ||
    names.some((name) => CREDENTIALS.includes(name))
  ) {
    return request;
  }
  const token = await csrfToken();
  if (token) {
    request.headers["X-CSRF-Token"] = token;
  }
  return request;
}

SwaggerUIBundle({
  url: DOCUMENT,
  dom_id: "#document",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  filter: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: withCsrfToken,
});
