// Reads an AsyncAPI document from standard input; prints what the parser says about it as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const faults = diagnostics.filter(({ severity }) => severity <= 1).map(({ code, message, path }) => ({
  code,
  message,
  path: path.join("."),
}));
const messages = document ? document.messages().all().map((each) => each.name()) : [];
process.stdout.write(JSON.stringify({ faults, messages: [...new Set(messages)] }));
