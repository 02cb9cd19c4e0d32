// Says of each line (secret, id, timestamp, signature, body in base64) whether it verifies.
import { createInterface } from 'node:readline';
import { Webhook } from 'standardwebhooks';

for await (const line of createInterface({ input: process.stdin })) {
  const [secret, id, timestamp, signature, body] = line.split('\t');
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  };
  try {
    new Webhook(secret).verify(Buffer.from(body, 'base64').toString(), headers);
    console.log('valid');
  } catch {
    console.log('invalid');
  }
}
