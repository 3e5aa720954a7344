// Makes all requests to the server, and follows the stream of reports.

import { byId, setText } from './dom.js';

// Kept only in memory, so that it is forgotten when the page is closed.
let authorization = null;
let asking = null;

/** Asks for a principal and a token. */
function askForCredentials(message) {
  asking ??= new Promise((resolve) => {
    const dialog = byId('credentials');
    if (message) setText(byId('credentials-text'), message);
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    dialog.addEventListener(
      'close',
      () => {
        const text = `${byId('principal').value}:${byId('token').value}`;
        byId('token').value = '';
        authorization = `Bearer ${text}`;
        asking = null;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}

/** Makes a request. If the server needs credentials, asks for them and repeats the request. */
export async function request(path, options = {}) {
  for (;;) {
    const headers = { ...options.headers, 'Sluice-Request': '1' };
    if (authorization) headers.Authorization = authorization;
    // With `omit`, the browser does not ask for a password in its own dialog.
    const response = await fetch(path, { ...options, headers, credentials: 'omit', redirect: 'error' });
    if (response.status !== 401) return response;
    const reason = (await response.text()).trim();
    await askForCredentials(authorization ? `The server refused these credentials: ${reason}.` : '');
  }
}

/** Yields the events of a response, as `{ name, data }`. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const pieces = (rest + value).split('\n\n');
    rest = pieces.pop();
    for (const piece of pieces) {
      const event = { name: 'message', data: '' };
      for (const line of piece.split('\n')) {
        if (line.startsWith('event: ')) event.name = line.slice(7);
        if (line.startsWith('data: ')) event.data += line.slice(6);
      }
      yield event;
    }
  }
}

/**
 * Follows the stream of reports for ever, and connects again when it ends. Calls `take(name, value)` for each event. Calls
 * `note(problem)` when the connection is lost, and `note(null)` when there is one again.
 */
export async function follow(take, note) {
  let pause = 250;
  for (;;) {
    try {
      const response = await request('/v1/live');
      if (!response.ok) throw new Error((await response.text()).trim() || `status ${response.status}`);
      take('begin', null);
      for await (const { name, data } of events(response)) {
        note(null);
        pause = 250;
        take(name, JSON.parse(data));
      }
      throw new Error('the server has ended the stream');
    } catch (error) {
      note(error instanceof TypeError ? 'the server does not answer' : error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, 5000);
  }
}
