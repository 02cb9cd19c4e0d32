// An upstream by Node's `http`: notes each request that it read to its end as a line of JSON in the
// file $SEEN, and answers as the second segment of the path says. Listens on 127.0.0.1:$PORT.
'use strict';
const fs = require('node:fs');
const http = require('node:http');

const { setTimeout: sleep } = require('node:timers/promises');

const LATER_MS = 100;
const busy = new WeakMap(); // what has to be sent on a connection first
const another = new WeakMap(); // who waits for another request on a connection

function note(line) {
  fs.appendFileSync(process.env.SEEN, JSON.stringify(line) + '\n');
}

function pairs(raw) {
  const found = [];
  for (let i = 0; i < raw.length; i += 2) found.push([raw[i], raw[i + 1]]);
  return found;
}

function noteRequest(request, parts) {
  const body = Buffer.concat(parts);
  note({
    method: request.method,
    target: request.url,
    connection: request.socket.remotePort,
    headers: pairs(request.rawHeaders),
    trailers: pairs(request.rawTrailers),
    size: body.length,
    body: body.subarray(0, 4096).toString('latin1'),
  });
}

const behaviours = {
  echo(request, response) {
    const text = request.url + '\n';
    response.setHeader('Content-Length', text.length);
    response.end(text);
  },
  // The second part of the page comes in a write of its own.
  page(request, response) {
    const text = unescape(request.url.split('?')[1] || '');
    response.setHeader('Content-Length', text.length);
    response.flushHeaders();
    setTimeout(() => response.end(text, 'latin1'), LATER_MS);
  },
  204(request, response) {
    response.statusCode = 204;
    response.end('a body');
  },
  304(request, response) {
    response.statusCode = 304;
    response.end('a body');
  },
  hints(request, response) {
    response.writeEarlyHints({
      link: '</style.css>; rel=preload',
      server: 'node',
      'access-control-allow-origin': 'https://evil.example',
      'access-control-allow-credentials': 'true',
      'x-request-id': 'of the upstream',
    });
    behaviours.echo(request, response);
  },
  trailers(request, response) {
    response.setHeader('Trailer', 'X-Checksum');
    response.write(request.url + '\n');
    response.addTrailers({ 'X-Checksum': '1', 'Set-Cookie': 'a=trailer' });
    response.end();
  },
  big(request, response) {
    response.end(Buffer.alloc(3_000_000, 'x'));
  },
  close(request, response) {
    response.setHeader('Connection', 'close');
    behaviours.echo(request, response);
  },
  // What stands in the query as `first` is sent instead of an answer, `later` a moment afterwards.
  raw(request, response) {
    const query = new URLSearchParams(request.url.split('?')[1]);
    const bytes = (name) => Buffer.from(query.get(name) || '', 'base64url').toString('latin1');
    const { socket } = request;
    socket.once('close', () => note({ closed: request.url }));
    const first = bytes('first').replace('<padding>', () => 'a'.repeat(70_000));
    if (first) {
      response._header = first; // what `end` sends in front of the body
      response._hasBody = false;
      response.end();
    }
    if (query.get('later')) {
      // When another request has come on the connection, or a moment afterwards.
      const come = new Promise((resolve) => { another.set(socket, resolve); });
      const then = Promise.race([come, sleep(LATER_MS)]);
      busy.set(socket, then.then(() => socket.write(bytes('later'), 'latin1')));
    }
    if (query.get('hang-up')) socket.end();
  },
};

const server = http.createServer((request, response) => {
  const behaviour = behaviours[request.url.split('/')[2]] || behaviours.echo;
  response.setHeader('X-Seen', request.url);
  if (request.url.split('/')[2] === 'early') {
    noteRequest(request, []);
    behaviours.echo(request, response);
    return;
  }
  another.get(request.socket)?.();
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    noteRequest(request, parts);
    Promise.resolve(busy.get(request.socket)).then(() => behaviour(request, response));
  });
});
server.maxHeadersCount = 0;
server.keepAliveTimeout = Number(process.env.KEEP_ALIVE_SECONDS || 75) * 1000;
server.listen(Number(process.env.PORT), '127.0.0.1');
