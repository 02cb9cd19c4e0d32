// Signs a call as docs/consumers/signing.md shows and, where it is to be sent, sends it with Node's own client.
// One call on standard input, what became of it on standard output; both are JSON.
import { readFileSync } from "node:fs";
import { sign } from "./signing.mjs";

const { call, kid, key, algorithm, send } = JSON.parse(readFileSync(0, "utf8"));
const { method, url, headers, body } = await sign(call, kid, key, algorithm);
const told = { headers };
if (send) {
  const response = await fetch(url, { method, headers, body });
  told.status = response.status;
  told.body = await response.json();
}
console.log(JSON.stringify(told));
