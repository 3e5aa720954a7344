// The data of the page: the last reports, and one minute of history.

export const SPAN = 60;

const now = () => performance.now() / 1000;

/** A value for each of the last sixty seconds, the latest last. */
export class History {
  constructor() {
    this.values = new Float32Array(SPAN);
  }

  advance(steps, value) {
    const count = Math.min(steps, SPAN);
    this.values.copyWithin(0, count);
    this.values.fill(value, SPAN - count);
  }

  get last() {
    return this.values[SPAN - 1];
  }

  get isEmpty() {
    return this.values.every((value) => value === 0);
  }
}

/** A channel: its row of CHANNELS, and its history. */
class Channel {
  constructor(name) {
    this.name = name;
    this.row = { name, kind: 'queue', capacity: 0, overflow: 'block', state: 'open' };
    this.since = null;
    this.rates = null;
    this.waits = null;
    this.isListed = false;
  }

  get rate() {
    return this.rates?.last ?? 0;
  }

  /** How long the oldest operation has waited. */
  get wait() {
    return this.since === null ? 0 : Math.max(0, now() - this.since);
  }

  count(key) {
    return this.row[key] ?? 0;
  }

  advance(steps, rate, wait) {
    if (rate > 0) this.rates ??= new History();
    if (wait > 0) this.waits ??= new History();
    this.rates?.advance(steps, rate);
    this.waits?.advance(steps, wait);
    // Most channels are idle, so they need no memory for a history.
    if (rate === 0 && this.rates?.isEmpty) this.rates = null;
    if (wait === 0 && this.waits?.isEmpty) this.waits = null;
  }
}

export class Model {
  constructor() {
    this.channels = new Map();
    this.rates = new History();
    this.handoffs = null;
    this.knowsRates = true;
    this.reset();
  }

  /** Forgets the reports, but not the history. */
  reset() {
    this.info = null;
    this.limits = {};
    this.waiters = [];
    this.omittedWaiters = 0;
    this.clients = [];
    this.omittedClients = 0;
    this.omittedChannels = 0;
    this.cycles = [];
    this.rate = null;
    this.reported = now();
    this.steps = now();
    for (const channel of this.channels.values()) this.unlist(channel);
  }

  unlist(channel) {
    channel.isListed = false;
    channel.since = null;
    channel.row = { name: channel.name, kind: 'queue', capacity: 0, overflow: 'block', state: 'open' };
    if (!channel.rates && !channel.waits) this.channels.delete(channel.name);
  }

  channel(name) {
    let channel = this.channels.get(name);
    if (!channel) {
      channel = new Channel(name);
      this.channels.set(name, channel);
    }
    return channel;
  }

  /** Returns an empty channel, which stands for one that no longer exists. */
  missing(name) {
    return new Channel(name);
  }

  take(name, value) {
    switch (name) {
      case 'begin':
        this.reset();
        break;
      case 'info':
        this.takeInfo(value);
        break;
      case 'channels':
        this.takeChannels(value);
        break;
      case 'waiters':
        this.waiters = value.waiters.filter((waiter) => waiter.operation !== 'trace');
        this.omittedWaiters = value.omitted ?? 0;
        this.reported = now();
        break;
      case 'clients':
        this.clients = value.clients;
        this.omittedClients = value.omitted ?? 0;
        break;
      case 'stuck':
        this.cycles = value.cycles;
        this.omittedCycles = value.omitted ?? 0;
        break;
      case 'round':
        this.takeRound(value);
        break;
    }
  }

  takeInfo(info) {
    const before = this.info;
    this.info = info;
    // A principal may have the permission to see channels, but not the server.
    if (!info || !before || before.epoch !== info.epoch) {
      this.rate = null;
      this.handoffs = null;
      return;
    }
    const passed = info.uptimeSeconds - before.uptimeSeconds;
    this.handoffs = Math.max(0, info.handoffs - before.handoffs);
    if (passed > 0) this.rate = this.handoffs / passed;
    this.passed = passed;
  }

  takeChannels({ rows, gone, omitted }) {
    const time = now();
    for (const row of rows) {
      const channel = this.channel(row.name);
      channel.row = row;
      channel.isListed = true;
      channel.since = row.longestWaitSeconds === undefined ? null : time - row.longestWaitSeconds;
    }
    for (const name of gone ?? []) {
      const channel = this.channels.get(name);
      if (channel) this.unlist(channel);
    }
    if (omitted !== undefined) this.omittedChannels = omitted;
  }

  takeRound({ seconds, handoffs, limits }) {
    this.limits = limits;
    this.knowsRates = handoffs !== null;
    // Steps are whole seconds of the page's clock, so that a slow round does not lose time.
    const steps = Math.max(1, Math.round(now() - this.steps));
    this.steps += steps;
    this.rates.advance(steps, this.rate ?? 0);
    const counts = handoffs ?? {};
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    // Assumes that each channel's share of all handoffs is the same as its share of the counted ones.
    const scale = total > 0 ? Math.max(1, (this.handoffs ?? 0) / total) : 0;
    for (const name of Object.keys(counts)) this.channel(name);
    for (const channel of this.channels.values()) {
      const count = Object.hasOwn(counts, channel.name) ? counts[channel.name] : 0;
      channel.advance(steps, (count * scale) / Math.max(seconds, 0.001), channel.wait);
      if (!channel.isListed && !channel.rates && !channel.waits) this.channels.delete(channel.name);
    }
  }

  /** The seconds since the waiters were reported. Their waiting times have grown by as much. */
  get age() {
    return now() - this.reported;
  }

  /** The messages under a lease. Of each client, the report has those that it has held longest. */
  get leases() {
    return this.clients.flatMap((client) =>
      (client.held ?? []).map((lease, index) => ({ ...lease, client: client.address, label: client.label, index })));
  }

  /** The number of messages under a lease that the report leaves out. */
  get omittedLeases() {
    return this.clients.reduce((sum, client) => sum + client.leases - (client.held?.length ?? 0), 0);
  }
}
