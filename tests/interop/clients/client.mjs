// A client by Node's own fetch, which keeps its connections: a new user's first minutes.
// Prints each step with its status, as JSON. See `test_clients.py` for what it is told.
import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const { GATEWAY, EMAIL, PASSWORD, TOKEN_FILE, UPLOAD, USER_AGENT } = process.env;
const steps = [];
let cookie = '';

async function call(step, method, path, body, headers = {}) {
  const answer = await fetch(GATEWAY + path, {
    method,
    body,
    headers: { 'User-Agent': USER_AGENT, ...(cookie && { Cookie: cookie }), ...headers },
  });
  for (const line of answer.headers.getSetCookie()) cookie = line.split(';')[0];
  steps.push([step, answer.status]);
  const type = answer.headers.get('content-type') || '';
  return type.includes('json') ? answer.json() : Buffer.from(await answer.arrayBuffer());
}

async function mailedToken() {
  for (;;) {
    const token = await readFile(TOKEN_FILE, 'utf8').catch(() => '');
    if (token) return token;
    await sleep(50);
  }
}

const form = (fields) => new URLSearchParams(fields);
await call('sign up', 'POST', '/identity/users', form({ email: EMAIL, password: PASSWORD }));
const token = await mailedToken();
await call('confirm', 'POST', '/identity/users/email/confirm_code', form({ token }));
const login = form({ email: EMAIL, password: PASSWORD });
const { csrf_token: csrf } = await call('log in', 'POST', '/identity/sessions', login);
const label = { key: 'client', value: 'node' };
await call('label without token', 'POST', '/resource/labels', form(label));
await call('label', 'POST', '/resource/labels', JSON.stringify(label), {
  'X-CSRF-Token': csrf,
  'Content-Type': 'application/json',
});
const document = new FormData();
document.set('doc_type', 'Passport');
document.set('doc_number', 'AA 1234');
document.set('doc_expire', '3020-01-22');
document.set('upload[]', await openAsBlob(UPLOAD), 'passport.png');
const { upload } = await call('upload', 'POST', '/resource/documents', document, {
  'X-CSRF-Token': csrf,
});
const file = await call('download', 'GET', new URL(upload.url, GATEWAY).pathname
  + new URL(upload.url, GATEWAY).search);
const me = await call('me', 'GET', '/resource/users/me');
await call('log out', 'DELETE', '/identity/sessions', undefined, { 'X-CSRF-Token': csrf });
const digest = createHash('sha256').update(file).digest('hex');
console.log(JSON.stringify({ steps, email: me.email, digest }));
