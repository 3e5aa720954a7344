// Who waits for whom: the clients that wait on each channel, and the cycles of clients that wait for each other.

import { h, s, setText } from './dom.js';
import * as format from './format.js';

const MOST_CHANNELS = 12;
const MOST_GROUPS = 4;
/** The height of a line of the graph, which style.css sets too. */
const LINE = 24;

/** Returns the waits of an operation, as `{ side, name }`. The side is `send`, `recv` or `barrier`. */
function waitsOf(waiter) {
  if (waiter.operation !== 'select') {
    const side = waiter.operation === 'redrive' ? 'send' : waiter.operation;
    return waiter.targets.map((name) => ({ side, name }));
  }
  return waiter.targets.map((target) => {
    const [side, ...rest] = target.split(' ');
    return { side, name: rest.join(' ') };
  });
}

/** Groups the waiters by channel, side and label, the channels with the longest wait first. */
function channelsOf(waiters, age) {
  const channels = new Map();
  for (const waiter of waiters) {
    const time = waiter.waitingSeconds + age;
    for (const { side, name } of waitsOf(waiter)) {
      const key = `${side === 'barrier' ? 'barrier' : 'channel'} ${name}`;
      if (!channels.has(key)) channels.set(key, { key, name, isBarrier: side === 'barrier', time: 0, send: new Map(), recv: new Map() });
      const channel = channels.get(key);
      channel.time = Math.max(channel.time, time);
      const groups = side === 'recv' ? channel.recv : channel.send;
      const isLeased = waiter.state === 'under lease';
      const id = `${isLeased} ${waiter.label ?? ''}`;
      if (!groups.has(id)) groups.set(id, { label: waiter.label, client: waiter.client, count: 0, time: 0, isLeased });
      const group = groups.get(id);
      group.count += 1;
      group.time = Math.max(group.time, time);
    }
  }
  return [...channels.values()].sort((a, b) => b.time - a.time || (a.key < b.key ? -1 : 1));
}

/** Returns the end of an address, because addresses differ more at their ends. */
const shortened = (address) => (address.length > 12 ? `…${address.slice(-9)}` : address);

function caption(group) {
  if (group.count === 1) return group.label ?? shortened(group.client);
  return group.label ? `${group.label} × ${group.count}` : format.plural(group.count, 'client');
}

function side(groups, absent, style) {
  const all = [...groups.values()].sort((a, b) => b.time - a.time);
  const shown = all.length > MOST_GROUPS ? all.slice(0, MOST_GROUPS - 1) : all;
  const lines = shown.map((group) =>
    h('li', { class: group.isLeased ? 'leased' : '', title: `${group.count === 1 ? format.client(group.label, group.client) : caption(group)}, ${format.seconds(group.time)}${group.isLeased ? ', under lease' : ''}` },
      h('span', { class: 'who' }, caption(group)),
      h('span', { class: `time ${style === 'right' ? '' : group.time >= 60 ? 'bad' : group.time >= 10 ? 'notable' : ''}` }, format.shortly(group.time))));
  if (all.length > shown.length) lines.push(h('li', { class: 'more' }, `… and ${all.length - shown.length} more`));
  if (lines.length === 0) lines.push(h('li', { class: 'absent' }, absent));
  return { node: h('ul', { class: `side ${style}` }, ...lines), count: lines.length, isAbsent: all.length === 0 };
}

/** Draws lines from each group to the channel in the middle. */
function links({ count, isAbsent }, height, isLeft) {
  const box = height * LINE;
  const paths = [];
  for (let index = 0; index < count; index += 1) {
    const y = (index + (height - count) / 2 + 0.5) * LINE;
    paths.push(s('path', { d: isLeft ? `M0 ${y}C12 ${y} 12 ${box / 2} 24 ${box / 2}` : `M24 ${y}C12 ${y} 12 ${box / 2} 0 ${box / 2}`, class: isAbsent ? 'absent' : '' }));
  }
  return s('svg', { viewBox: `0 0 24 ${box}`, width: 24, height: box, 'aria-hidden': 'true' }, ...paths);
}

function block(channel, open) {
  const isLeased = channel.send.size > 0 && [...channel.send.values()].every((group) => group.isLeased);
  const left = channel.isBarrier ? side(channel.send, '', 'left') : side(channel.send, 'nobody sends', 'left');
  const right = channel.isBarrier ? side(channel.recv, 'other parties missing', 'right') : side(channel.recv, isLeased ? 'has it under lease' : 'nobody receives', 'right');
  const height = Math.max(left.count, right.count);
  const name = h('button', { type: 'button', class: channel.isBarrier ? 'barrier' : '', title: channel.name, 'aria-label': `${channel.isBarrier ? 'Barrier' : 'Channel'} ${channel.name}`, disabled: channel.isBarrier }, channel.name);
  name.addEventListener('click', () => open(channel.name));
  return h('li', {}, left.node, links(left, height, true), name, links(right, height, false), right.node);
}

/** The graph beside the tables. */
export class Graph {
  constructor(node, open) {
    this.node = node;
    this.open = open;
    this.drawn = '';
  }

  update({ waiters, age, cycles, omittedWaiters }) {
    // To replace the graph would take the focus from its button.
    if (this.node.contains(document.activeElement)) return;
    const channels = channelsOf(waiters, age);
    const shown = channels.slice(0, MOST_CHANNELS);
    const parts = cycles.filter(({ certainty }) => certainty !== 'proved').slice(0, 3).map((cycle) => possible(cycle));
    if (shown.length > 0) {
      parts.push(h('p', { class: 'captions', 'aria-hidden': 'true' }, h('span', {}, 'wants to send'), h('span', {}, 'wants to receive')));
      parts.push(h('ul', { class: 'waits' }, ...shown.map((channel) => block(channel, this.open))));
    } else {
      parts.push(h('p', { class: 'note' }, 'no client waits'));
    }
    const more = channels.length - shown.length;
    if (more > 0 || omittedWaiters > 0) {
      parts.push(h('p', { class: 'note' }, more > 0 ? `… and ${format.plural(more, 'more channel')}` : `… and ${format.number(omittedWaiters)} more operations`));
    }
    this.node.replaceChildren(...parts);
  }
}

/** Returns what a step of a cycle waits for, in the words of the report STUCK. */
function purpose(step, next) {
  switch (step.operation) {
    case 'send': return ['to send on ', h('b', {}, step.channel), ', which ', h('b', {}, next), ' receives'];
    case 'recv': return ['to recv ', h('b', {}, step.channel), ', which ', h('b', {}, next), ' sends'];
    case 'barrier': return ['at barrier ', h('b', {}, step.channel), ' for ', h('b', {}, next)];
    default: return ['for ', h('b', {}, next), ' to acknowledge its message on ', h('b', {}, step.channel)];
  }
}

/** Returns a function from a client's address to its short name: its label, if no other client of the cycle has it. */
function shortNames(steps) {
  const names = new Map();
  for (const { client, label } of steps) {
    const isOnly = label && steps.filter((step) => step.label === label || step.client === label).length === 1;
    names.set(client, isOnly ? label : client);
  }
  return (address) => names.get(address) ?? address;
}

function summary(cycle) {
  const count = cycle.steps.length + (cycle.omittedSteps ?? 0);
  if (count === 1) return '1 client waits for itself';
  return count === 2 ? '2 clients wait for each other' : `${format.number(count)} clients wait in a cycle`;
}

function steps(cycle) {
  const short = shortNames(cycle.steps);
  const lines = cycle.steps.map((step) =>
    h('li', {}, h('b', {}, format.client(step.label, step.client)), ' has waited ', h('span', { class: 'elapsed' }, format.seconds(step.waitingSeconds)), ' ', ...purpose(step, short(step.waitsFor))));
  if (cycle.omittedSteps) lines.push(h('li', {}, `… and ${format.plural(cycle.omittedSteps, 'more client')}`));
  return h('ol', {}, ...lines);
}

function possible(cycle) {
  return h('div', { class: 'possible' }, h('h3', {}, `Possible: ${summary(cycle)}, unless another client helps`), steps(cycle));
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** The cycle as a ring of clients, with the channels on its edges. */
function ring(cycle) {
  const count = cycle.steps.length;
  if (count < 2 || count > 8) return null;
  const short = shortNames(cycle.steps);
  const [width, height] = [380, 56 + 44 * Math.min(4, Math.ceil(count / 2))];
  const at = (turn) => {
    const angle = turn * 2 * Math.PI - Math.PI;
    return [width / 2 + Math.cos(angle) * 104, height / 2 + Math.sin(angle) * (height / 2 - 26)];
  };
  const marker = s('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' }, s('path', { d: 'M0 0.5L7.5 4L0 7.5Z' }));
  const parts = [s('defs', {}, marker)];
  cycle.steps.forEach((step, index) => {
    const margin = count === 2 ? 0.1 : 0.28 / count;
    const [from, to] = [at(index / count + margin), at((index + 1) / count - margin)];
    const label = at((index + 0.5) / count);
    parts.push(s('path', { d: `M${from}A104 ${height / 2 - 26} 0 0 1 ${to}`, class: 'edge', 'marker-end': 'url(#arrow)' }));
    parts.push(s('text', { x: label[0], y: label[1] + (label[1] < height / 2 ? -6 : 14), class: 'edge-label' }, cut(step.channel, 22)));
  });
  cycle.steps.forEach((step, index) => {
    const [x, y] = at(index / count);
    const text = cut(short(step.client), 20);
    const half = text.length * 3.6 + 10;
    parts.push(s('rect', { x: x - half, y: y - 11, width: 2 * half, height: 22, rx: 4 }), s('text', { x, y: y + 4 }, text));
  });
  return s('svg', { class: 'ring', viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, ...parts);
}

/** The banner with the cycles that are proved to be deadlocks. */
export class Banner {
  constructor(node) {
    this.node = node;
    this.shown = '';
  }

  update(cycles, omitted) {
    const proved = cycles.filter(({ certainty }) => certainty === 'proved');
    // While a deadlock lasts, only its times are updated, so that a screen reader announces it once.
    const id = JSON.stringify(proved.map((cycle) => cycle.steps.map(({ client, channel }) => [client, channel])));
    this.node.hidden = proved.length === 0;
    const shown = proved.slice(0, 3);
    if (id === this.shown) return this.updateTimes(shown);
    this.shown = id;
    const parts = shown.map((cycle) =>
      h('div', { class: 'cycle' }, h('div', {}, h('h2', { role: 'alert' }, `Deadlock: ${summary(cycle)}`), steps(cycle)), ring(cycle)));
    const more = proved.length - shown.length + (omitted ?? 0);
    if (more > 0) parts.push(h('p', {}, `… and ${format.plural(more, 'more cycle')}`));
    this.node.replaceChildren(...parts);
  }
  updateTimes(cycles) {
    const times = cycles.flatMap((cycle) => cycle.steps.map(({ waitingSeconds }) => waitingSeconds));
    this.node.querySelectorAll('.elapsed').forEach((node, index) => setText(node, format.seconds(times[index])));
  }
}
