// The dialogs that show one channel or one client.

import { closeChannel, killClient, poisonChannel } from './actions.js';
import { Chart } from './charts.js';
import { byId, h, setText } from './dom.js';
import * as format from './format.js';

/** A list of names with values that change. */
class Facts {
  constructor(facts) {
    this.facts = facts.map(([name, value]) => {
      const node = h('dd', {});
      return { node, value, row: h('div', {}, h('dt', {}, name), node) };
    });
    this.node = h('dl', { class: 'facts' }, ...this.facts.map(({ row }) => row));
  }

  update(subject) {
    for (const { node, row, value } of this.facts) {
      const text = value(subject);
      row.hidden = text === undefined || text === null;
      if (!row.hidden) setText(node, String(text));
    }
  }
}

const count = (key) => (channel) => (channel.row[key] === undefined ? undefined : format.number(channel.row[key]));

export class Detail {
  constructor(model, exchange) {
    this.model = model;
    this.exchange = exchange;
    this.dialog = byId('detail');
    this.dialog.addEventListener('close', () => {
      this.refresh = null;
    });
    // A click beside the dialog closes it.
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  update() {
    this.refresh?.();
  }

  show(title, parts, buttons, refresh) {
    const result = h('p', { class: 'result', role: 'status' });
    const actions = buttons.map(([words, style, act]) =>
      h('button', { type: 'button', class: style, on: { click: async () => {
        const done = await act();
        if (done) {
          result.className = `result ${done.ok ? 'good' : 'bad'}`;
          setText(result, done.text);
        }
      } } }, words));
    const close = h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close the dialog', on: { click: () => this.dialog.close() } }, '✕');
    this.dialog.replaceChildren(
      h('div', { class: 'sheet' },
        h('header', {}, h('h2', { id: 'detail-title' }, title), close),
        ...parts,
        h('p', { class: 'buttons' }, ...actions),
        result));
    this.dialog.setAttribute('aria-labelledby', 'detail-title');
    this.refresh = refresh;
    refresh();
    if (!this.dialog.open) this.dialog.showModal();
  }

  waiters(list, waiters, text) {
    const shown = waiters.slice(0, 12).map((waiter) =>
      h('li', {}, h('span', {}, text(waiter)), h('span', { class: 'time' }, format.seconds(waiter.waitingSeconds + this.model.age))));
    if (waiters.length > shown.length) shown.push(h('li', {}, `… and ${waiters.length - shown.length} more`));
    list.replaceChildren(...(shown.length ? shown : [h('li', { class: 'dim' }, 'nothing waits')]));
  }

  openChannel(name) {
    const rates = new Chart('Messages a second', format.rate, 'flow');
    const waits = new Chart('Longest wait', format.seconds, 'wait');
    const facts = new Facts([
      ['Kind', (channel) => format.kind(channel.row)],
      ['State', (channel) => format.state(channel.row)],
      ['Waiting sends', count('senders')],
      ['Waiting receives', count('receivers')],
      ['Buffered', count('buffered')],
      ['Under lease or delayed', count('leased')],
      ['Sending ends', count('sendingEnds')],
      ['Receiving ends', count('receivingEnds')],
      ['Sent', count('sent')],
      ['Taken', count('taken')],
      ['Redelivered', count('redelivered')],
      ['Rejected', count('rejected')],
      ['Most attempts', count('maxAttempts')],
      ['Rejected messages go to', (channel) => channel.row.dead],
      ['Rejected, waiting for room', count('waitingDeadLetters')],
    ]);
    const list = h('ul', { class: 'list' });
    const figures = [h('b', {}), h('b', {})];
    this.show(
      name,
      [
        h('div', { class: 'charts' },
          h('section', {}, h('h3', {}, 'Messages a second ', figures[0]), rates.node),
          h('section', {}, h('h3', {}, 'Longest wait ', figures[1]), waits.node)),
        facts.node,
        h('h3', {}, 'Who waits on it'),
        list,
      ],
      [
        ['Send or receive', 'primary', () => this.exchange.open(name)],
        ['Close…', 'danger', () => closeChannel(name)],
        ['Poison…', 'danger', () => poisonChannel(name)],
      ],
      () => {
        const channel = this.model.channels.get(name) ?? this.model.missing(name);
        rates.update(channel.rates);
        waits.update(channel.waits);
        setText(figures[0], this.model.knowsRates ? format.rate(channel.rate) : '–');
        setText(figures[1], channel.since === null ? '–' : format.seconds(channel.wait));
        facts.update(channel);
        const names = new Set([name, `send ${name}`, `recv ${name}`]);
        this.waiters(list, this.model.waiters.filter(({ targets }) => targets.some((target) => names.has(target))),
          (waiter) => `${format.client(waiter.label, waiter.client)}  ${format.operation(waiter)}`);
      },
    );
  }

  openClient(address) {
    const facts = new Facts([
      ['Label', (client) => client.label],
      ['Principal', (client) => client.principal],
      ['Connected', (client) => format.seconds(client.connectedSeconds + this.model.age)],
      ['Memory charged to it', (client) => format.bytes(client.memoryBytes ?? 0)],
      ['Waiting operations', (client) => format.number(client.pending)],
      ['Messages under a lease', (client) => format.number(client.leases)],
      ['Ends of channels', (client) => format.number(client.ends)],
    ]);
    const list = h('ul', { class: 'list' });
    const gone = h('p', { class: 'note' }, 'The client has gone.');
    this.show(
      address,
      [gone, facts.node, h('h3', {}, 'What it waits for'), list],
      [['End the connection…', 'danger', () => killClient(address)]],
      () => {
        const client = this.model.clients.find((each) => each.address === address);
        gone.hidden = client !== undefined;
        if (client) facts.update(client);
        this.waiters(list, this.model.waiters.filter((waiter) => waiter.client === address), format.operation);
      },
    );
  }
}
