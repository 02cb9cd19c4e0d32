// oidc-provider with its own pages for the log-in: whoever types an address has it.
// Reads a client as JSON from the environment, and prints its issuer.

import { createServer } from "node:http";

import Provider from "oidc-provider";

const client = JSON.parse(process.env.CLIENT);
let handle;
const server = createServer((request, response) => handle(request, response));

server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ ...client, grant_types: ["authorization_code"], response_types: ["code"] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    cookies: { keys: ["a key of tests"] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified") }),
    }),
  });
  handle = provider.callback();
  console.log(JSON.stringify({ issuer }));
});
