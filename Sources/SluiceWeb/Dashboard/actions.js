// The actions of the page: to send, to receive, and to end channels and connections.

import { byId, h, setText } from './dom.js';
import { request } from './live.js';

// Slashes too: browsers remove the segments `.` and `..` of a path, so the request would be for another channel.
const path = encodeURIComponent;

/** Returns what happened, in one line. */
async function outcome(response) {
  const text = (await response.text()).trim();
  if (response.status === 403) return `not permitted: ${text}`;
  return text || response.headers.get('Sluice-Outcome') || `status ${response.status}`;
}

/** Returns the bytes of a message as text, or in hexadecimal if they are not UTF-8. */
function readable(bytes) {
  const shown = bytes.slice(0, 4096);
  const more = bytes.length > shown.length ? ` … (${bytes.length} bytes)` : '';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(shown) + more;
  } catch {
    return [...shown.slice(0, 256)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') + more;
  }
}

/** Asks before something that cannot be undone. Resolves to a reason, or to null. */
function confirm({ title, text, action, asksReason }) {
  const dialog = byId('confirm');
  setText(byId('confirm-title'), title);
  setText(byId('confirm-text'), text);
  setText(byId('confirm-ok'), action);
  byId('confirm-reason-label').hidden = !asksReason;
  byId('confirm-reason').value = '';
  return new Promise((resolve) => {
    dialog.querySelector('form').onsubmit = ({ submitter }) => resolve(submitter?.value === 'ok' ? byId('confirm-reason').value.trim() : null);
    dialog.oncancel = () => resolve(null);
    dialog.showModal();
    // Enter must not confirm by accident.
    dialog.querySelector('button[value=cancel]').focus();
  });
}

async function end(question, address) {
  const reason = await confirm(question);
  if (reason === null) return null;
  try {
    const response = await request(address(reason), { method: 'DELETE' });
    return { ok: response.ok, text: response.ok ? 'done' : await outcome(response) };
  } catch {
    return { ok: false, text: 'the server does not answer' };
  }
}

export function closeChannel(name) {
  return end(
    { title: `Close ${name}?`, text: 'Nobody can send on it any more. Receivers still get the messages in its buffer.', action: 'Close the channel' },
    () => `/v1/channels/${path(name)}`,
  );
}

export function poisonChannel(name) {
  return end(
    { title: `Poison ${name}?`, text: 'It ends at once on both sides. The messages in its buffer are lost.', action: 'Poison the channel', asksReason: true },
    (reason) => `/v1/channels/${path(name)}?poison=${encodeURIComponent(reason)}`,
  );
}

export function killClient(address) {
  return end(
    { title: `End the connection of ${address}?`, text: 'Its operations are withdrawn. The messages that it holds under a lease return to their channels.', action: 'End the connection', asksReason: true },
    (reason) => `/v1/clients?address=${encodeURIComponent(address)}${reason ? `&reason=${encodeURIComponent(reason)}` : ''}`,
  );
}

/** The dialog in which a person sends and receives. */
export class Exchange {
  constructor() {
    this.dialog = byId('exchange');
    this.log = byId('exchange-log');
    byId('exchange-send').addEventListener('click', () => this.send(false));
    byId('exchange-call').addEventListener('click', () => this.send(true));
    byId('exchange-receive').addEventListener('click', () => this.receive());
  }

  open(channel) {
    if (channel !== undefined) byId('exchange-channel').value = channel;
    this.dialog.showModal();
    byId(byId('exchange-channel').value ? 'exchange-message' : 'exchange-channel').focus();
  }

  get channel() {
    const field = byId('exchange-channel');
    const name = field.value.trim();
    if (!name) field.focus();
    return name;
  }

  get timeout() {
    return byId('exchange-timeout').value;
  }

  /** Adds a line to the log. Returns a function that changes its text. */
  note(title, wait) {
    const text = h('span', { class: 'text' }, 'waits …');
    const buttons = h('span', { class: 'buttons' });
    if (wait) buttons.append(h('button', { type: 'button', on: { click: () => wait.abort() } }, 'Withdraw'));
    const item = h('li', {}, h('span', { class: 'title' }, title), text, buttons);
    this.log.prepend(item);
    while (this.log.children.length > 50) this.log.lastChild.remove();
    return (words, style = '', ...controls) => {
      item.className = style;
      setText(text, words);
      buttons.replaceChildren(...controls);
    };
  }

  async run(title, work) {
    const wait = new AbortController();
    const tell = this.note(title, wait);
    try {
      await work(tell, wait.signal);
    } catch (error) {
      const isWithdrawn = error.name === 'AbortError';
      tell(isWithdrawn ? 'withdrawn' : 'in doubt: the server does not answer', isWithdrawn ? 'dim' : 'bad');
    }
  }

  send(isCall) {
    const name = this.channel;
    if (!name) return;
    const query = `?timeout=${this.timeout}${isCall ? '&call=1' : ''}`;
    this.run(`${isCall ? 'call' : 'send'} ${name}`, async (tell, signal) => {
      const response = await request(`/c/${path(name)}${query}`, { method: 'POST', body: byId('exchange-message').value, signal });
      const isAnswer = response.ok && response.headers.get('Sluice-Outcome')?.startsWith('DATA');
      const text = isAnswer ? `answer: ${readable(new Uint8Array(await response.arrayBuffer()))}` : await outcome(response);
      tell(text, response.ok ? 'good' : 'notable');
    });
  }

  receive() {
    const name = this.channel;
    if (!name) return;
    this.run(`receive ${name}`, async (tell, signal) => {
      const get = (query) => request(`/c/${path(name)}?timeout=${this.timeout}${query}`, { signal });
      let response = await get('&lease=1m');
      // Channels with several receivers have no leases.
      if (response.status === 409) response = await get('');
      if (response.status === 204) return tell('nobody sent', 'dim');
      if (!response.ok) return tell(await outcome(response), 'notable');
      const text = readable(new Uint8Array(await response.arrayBuffer()));
      const token = response.headers.get('Sluice-Delivery');
      if (!token) return tell(text, 'good');
      const finish = (title, words, method) => {
        const button = h('button', { type: 'button' }, title);
        button.addEventListener('click', async () => {
          const answer = await request(`/d/${token}`, { method }).catch(() => null);
          tell(`${text} (${answer?.ok ? words : answer ? await outcome(answer) : 'in doubt'})`, answer?.ok ? 'good' : 'notable');
        });
        return button;
      };
      tell(text, 'good', finish('Acknowledge', 'acknowledged', 'POST'), finish('Return', 'returned', 'DELETE'));
    });
  }
}
