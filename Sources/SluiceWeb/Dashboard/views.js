// The four tables, and the figures of the summary.

import { Gauge, Sparkline } from './charts.js';
import { h, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { Table } from './table.js';

const isWaiting = (count) => (count > 0 ? 'notable' : 'dim');
const isThere = (count) => (count > 0 ? '' : 'dim');
const age = (value) => (value >= 60 ? 'bad' : value >= 10 ? 'notable' : value > 0 ? '' : 'dim');

/** A column with a count of the report. */
function count(key, title, hint, style) {
  return {
    key, title, hint, least: 4.2, share: 0.5, isNumber: true,
    text: (channel) => format.number(channel.count(key)),
    order: (channel) => channel.count(key),
    style: (channel) => style(channel.count(key)),
  };
}

const stateStyles = { open: 'dim', closed: 'notable', poisoned: 'bad' };

export function channelsTable(model, open) {
  return new Table({
    name: 'Channels', sort: 'rate', descending: true, empty: 'no channel is in use', open,
    key: (channel) => channel.name,
    columns: [
      {
        key: 'name', title: 'Channel', least: 9, share: 3, isLong: true, searched: true,
        text: (channel) => channel.name, order: (channel) => channel.name,
        style: (channel) => (channel.rate > 0 ? 'strong' : ''),
      },
      {
        key: 'kind', title: 'Kind', least: 6.2, share: 0.8, isLong: true, searched: true,
        text: (channel) => format.kind(channel.row), order: (channel) => format.kind(channel.row), style: () => 'dim',
      },
      {
        key: 'rate', title: 'Msg/s', hint: 'Messages taken a second', least: 4.6, share: 0.6, isNumber: true,
        text: (channel) => (model.knowsRates ? format.rate(channel.rate) : '–'), order: (channel) => channel.rate,
        style: (channel) => (channel.rate >= 0.05 ? 'good' : 'dim'),
      },
      {
        key: 'rates', title: '', hint: 'Messages a second in the last minute', least: 4, share: 1, chart: () => new Sparkline('flow'),
        history: (channel) => channel.rates,
      },
      {
        key: 'wait', title: 'Longest wait', hint: 'How long the oldest send or receive has waited',
        least: 6.6, share: 0.7, isNumber: true,
        text: (channel) => (channel.since === null ? '–' : format.seconds(channel.wait)),
        order: (channel) => channel.wait,
        // Receivers that wait are no problem: they are ready for work.
        style: (channel) => (channel.count('senders') > 0 ? age(channel.wait) : ''),
      },
      {
        key: 'waits', title: '', hint: 'Longest wait in the last minute', least: 4, share: 1, chart: () => new Sparkline('wait'),
        history: (channel) => channel.waits,
      },
      count('senders', 'Send', 'Sends that wait', isWaiting),
      count('receivers', 'Recv', 'Receives that wait', isThere),
      count('buffered', 'Buf', 'Messages that the buffer has for receivers', isWaiting),
      count('leased', 'Leased', 'Messages under a lease, delayed, or rejected and waiting', isThere),
      {
        key: 'ends', title: 'Ends', hint: 'Joined ends: sending/receiving', least: 3.6, share: 0.4,
        isNumber: true,
        text: (channel) => (channel.count('sendingEnds') + channel.count('receivingEnds')
          ? `${channel.count('sendingEnds')}/${channel.count('receivingEnds')}` : '–'),
        order: (channel) => channel.count('sendingEnds') + channel.count('receivingEnds'), style: () => 'dim',
      },
      {
        key: 'state', title: 'State', least: 6, share: 1.4, isLong: true, searched: true,
        text: (channel) => format.state(channel.row), order: (channel) => format.state(channel.row),
        style: (channel) => stateStyles[channel.row.state] ?? '',
      },
    ],
  });
}

function waiterColumns(model) {
  const waited = (waiter) => waiter.waitingSeconds + model.age;
  return [
    {
      key: 'waited', title: 'Waited', least: 6, share: 0.7, isNumber: true,
      text: (waiter) => format.seconds(waited(waiter)), order: waited, 
      style: (waiter) => (waiter.operation === 'recv' ? '' : age(waited(waiter))),
    },
    {
      key: 'client', title: 'Client', least: 9, share: 2, isLong: true, searched: true,
      text: (waiter) => format.client(waiter.label, waiter.client), order: (waiter) => waiter.label ?? waiter.client,
    },
    {
      key: 'operation', title: 'Operation', least: 10, share: 3, isLong: true, searched: true,
      text: format.operation, order: format.operation,
    },
    {
      key: 'tag', title: 'Tag', least: 4, share: 0.6, isLong: true,
      text: (waiter) => waiter.tag ?? '–', order: (waiter) => waiter.tag ?? '', style: () => 'dim',
    },
    {
      key: 'left', title: 'Left', hint: 'The time until its timeout', least: 6, share: 0.7, isNumber: true,
      text: (waiter) => (waiter.timeoutSeconds === undefined ? '–' : format.seconds(waiter.timeoutSeconds - model.age)),
      order: (waiter) => waiter.timeoutSeconds ?? Infinity, style: () => 'dim',
    },
    {
      key: 'state', title: 'State', least: 6, share: 1, searched: true,
      text: (waiter) => waiter.state, order: (waiter) => waiter.state,
      style: (waiter) => (waiter.state === 'waiting' ? 'dim' : 'notable'),
    },
  ];
}

const waiterKey = (waiter) => `${waiter.client} ${waiter.tag ?? ''} ${waiter.operation} ${waiter.targets.join(' ')}`;

export function waitersTable(model, open) {
  return new Table({
    name: 'Waiting', sort: 'waited', descending: true, empty: 'no operation waits', key: waiterKey, open,
    columns: waiterColumns(model),
  });
}

export function leasesTable(model, open) {
  const held = (lease) => lease.heldSeconds + model.age;
  return new Table({
    name: 'Leases', sort: 'held', descending: true, empty: 'no client holds a message under a lease', open,
    key: (lease) => `${lease.client} ${lease.channel} ${lease.index}`,
    columns: [
      {
        key: 'held', title: 'Held', hint: 'How long the client has held the message', least: 6, share: 0.7,
        isNumber: true, text: (lease) => format.seconds(held(lease)), order: held, style: (lease) => age(held(lease)),
      },
      {
        key: 'client', title: 'Client', least: 9, share: 2, isLong: true, searched: true,
        text: (lease) => format.client(lease.label, lease.client), order: (lease) => lease.label ?? lease.client,
      },
      {
        key: 'channel', title: 'Channel', least: 9, share: 3, isLong: true, searched: true,
        text: (lease) => lease.channel, order: (lease) => lease.channel,
      },
      {
        key: 'attempt', title: 'Attempt', hint: 'How often the message has been handed out', least: 5, share: 0.6,
        isNumber: true, text: (lease) => format.number(lease.attempt), order: (lease) => lease.attempt,
        style: (lease) => (lease.attempt > 1 ? 'notable' : 'dim'),
      },
      {
        key: 'left', title: 'Left', hint: 'The time until the lease ends, unless it is renewed', least: 6, share: 0.7,
        isNumber: true, text: (lease) => format.seconds(lease.leftSeconds - model.age),
        order: (lease) => lease.leftSeconds, style: () => 'dim',
      },
    ],
  });
}

export function clientsTable(model, open) {
  const number = (key, title, hint, style) => ({
    key, title, hint, least: 5, share: 0.6, isNumber: true,
    text: (client) => format.number(client[key]), order: (client) => client[key], style: (client) => style(client[key]),
  });
  const text = (key, title, least, share) => ({
    key, title, least, share, isLong: true, searched: true,
    text: (client) => client[key] ?? '–', order: (client) => client[key] ?? '',
    style: (client) => (client[key] ? '' : 'dim'),
  });
  return new Table({
    name: 'Clients', sort: 'memoryBytes', descending: true, empty: 'no client is connected', open,
    key: (client) => client.address,
    columns: [
      text('address', 'Client', 10, 2),
      text('label', 'Label', 7, 1.4),
      text('principal', 'Principal', 6, 1),
      {
        key: 'connectedSeconds', title: 'Connected', least: 6.4, share: 0.7, isNumber: true,
        text: (client) => format.seconds(client.connectedSeconds + model.age),
        order: (client) => client.connectedSeconds, style: () => 'dim',
      },
      number('pending', 'Pending', 'Operations that wait', isThere),
      number('leases', 'Leases', 'Messages under a lease', isThere),
      number('ends', 'Ends', 'Ends of channels that the client has joined', isThere),
      {
        key: 'memoryBytes', title: 'Memory', hint: 'Memory that is charged to the client', least: 6, share: 0.7,
        isNumber: true, text: (client) => format.bytes(client.memoryBytes ?? 0),
        order: (client) => client.memoryBytes ?? 0,
      },
    ],
  });
}

/** The figures of the summary. */
export class Counts {
  constructor(list) {
    this.items = [
      ['waiting', (info) => info.parked],
      ['channels', (info) => info.channels],
      ['clients', (info) => info.connections],
      ['under lease', (info) => info.leases],
      ['buffered', (info) => info.bufferedMessages],
      ['rejected', (info) => info.rejections],
      ['refused', (info) => info.refusedConnections],
      ['taken in all', (info) => info.handoffs],
    ].map(([name, value]) => {
      const node = h('dd', {}, '–');
      list.append(h('div', {}, h('dt', {}, name), node));
      return { node, value };
    });
  }

  update(info) {
    for (const { node, value } of this.items) {
      const figure = info ? value(info) : undefined;
      setText(node, figure === undefined ? '–' : format.number(figure));
      setAttribute(node, 'class', figure > 0 ? null : 'dim');
    }
  }
}

/** The limits of the hub as a whole. */
export class Limits {
  constructor(list) {
    this.gauges = [
      [new Gauge('Clients’ memory', format.bytes), (info) => [info.memoryBytes, info.memoryLimitBytes]],
      [new Gauge('Connections', format.number), (info, limits) => [info.connections, limits.connections]],
      [new Gauge('Kept messages', format.bytes), (info, limits) => [info.bufferedBytes, limits.keptBytes]],
      [new Gauge('Ended names', format.number), (info, limits) => [info.endedChannels, limits.endedChannels]],
      [new Gauge('Remembered ids', format.number), (info, limits) => [info.rememberedSends, limits.rememberedSends]],
    ];
    list.append(...this.gauges.map(([gauge]) => gauge.node));
  }

  update(info, limits) {
    for (const [gauge, values] of this.gauges) gauge.update(...(info ? values(info, limits) : [undefined]));
  }
}
