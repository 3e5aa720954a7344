// The stream of reports, and all other requests to the hub.

import { byId } from './dom.js';

// Kept here only: a page that is closed has forgotten it.
let authorization = null;
let asking = null;

/** Asks for a principal and a token. */
function askForCredentials(message) {
  asking ??= new Promise((resolve) => {
    const dialog = byId('credentials');
    if (message) byId('credentials-text').textContent = message;
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

/** Makes a request. Asks for credentials if the server wants some, and makes it again. */
export async function request(path, options = {}) {
  for (;;) {
    const headers = { ...options.headers, 'Sluice-Request': '1' };
    if (authorization) headers.Authorization = authorization;
    // With `omit`, the browser does not show its own question for a password.
    const response = await fetch(path, { ...options, headers, credentials: 'omit', redirect: 'error' });
    if (response.status !== 401) return response;
    const reason = (await response.text()).trim();
    await askForCredentials(authorization ? `The server refused that: ${reason}.` : '');
  }
}

/** The events of a response, as `{ name, data }`. */
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
 * Follows the hub for ever. Calls `take(name, value)` for each event, and `note(problem)` when there is no connection, or
 * there is one again (null).
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
      throw new Error('the server has ended it');
    } catch (error) {
      note(error instanceof TypeError ? 'the server does not answer' : error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, 5000);
  }
}
