// Connects the parts of the page.

import { Exchange } from './actions.js';
import { Chart } from './charts.js';
import { Detail } from './detail.js';
import { byId, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { Banner, Graph } from './graph.js';
import { follow } from './live.js';
import { Model } from './model.js';
import { channelsTable, clientsTable, Counts, leasesTable, Limits, waitersTable } from './views.js';

const model = new Model();
const exchange = new Exchange();
const detail = new Detail(model, exchange);
const banner = new Banner(byId('stuck'));
const graph = new Graph(byId('graph'), (name) => detail.openChannel(name));
const chart = new Chart('Messages taken a second', format.rate, 'flow');
const counts = new Counts(byId('counts'));
const limits = new Limits(byId('gauges'));
byId('rate-chart').append(chart.node);

const openClient = ({ client, address }) => detail.openClient(client ?? address);
const tables = {
  channels: channelsTable(model, ({ name }) => detail.openChannel(name)),
  waiters: waitersTable(model, openClient),
  leases: leasesTable(model, openClient),
  clients: clientsTable(model, openClient),
};
for (const [name, table] of Object.entries(tables)) byId(`${name}-panel`).append(table.node);

let current = 'channels';
let isPaused = false;
let problem = null;
let rounds = 0;

// Tables.

function rowsOf(name) {
  switch (name) {
    case 'channels': return [[...model.channels.values()], model.omittedChannels];
    case 'waiters': return [model.waiters, model.omittedWaiters];
    case 'leases': return [model.leases, model.omittedLeases];
    default: return [model.clients, model.omittedClients];
  }
}

function drawTables() {
  for (const name of Object.keys(tables)) {
    const [rows, omitted] = rowsOf(name);
    setText(byId(`${name}-tab`).querySelector('.count'), format.number(rows.length + omitted));
    if (name === current) tables[name].update(rows, omitted);
  }
}

function choose(name, focuses = false) {
  current = name;
  for (const each of Object.keys(tables)) {
    const tab = byId(`${each}-tab`);
    setAttribute(tab, 'aria-selected', each === name);
    tab.tabIndex = each === name ? 0 : -1;
    byId(`${each}-panel`).hidden = each !== name;
  }
  if (focuses) byId(`${name}-tab`).focus();
  tables[name].setFilter(byId('filter').value);
  drawTables();
}

// Drawing.

function draw() {
  const { info } = model;
  setText(byId('rate'), model.rate === null ? '–' : format.rate(model.rate));
  chart.update(model.rates);
  counts.update(info);
  limits.update(info, model.limits);
  banner.update(model.cycles, model.omittedCycles);
  graph.update(model);
  drawTables();
  detail.update();
  const parts = info ? [location.host, info.version, `up ${format.seconds(info.uptimeSeconds)}`] : [location.host];
  setText(byId('hub'), parts.join(' · '));
  const isStuck = model.cycles.some(({ certainty }) => certainty === 'proved');
  document.title = `${isStuck ? 'Deadlock – ' : ''}Sluice ${location.host}`;
}

function drawState() {
  const state = problem ? 'lost' : isPaused ? 'paused' : model.info?.isDraining ? 'draining' : rounds > 0 ? 'live' : 'connecting';
  document.body.dataset.state = state;
  setText(byId('state'), problem ? `no connection, trying again: ${problem}` : state);
}

function take(name, value) {
  model.take(name, value);
  if (name === 'round') {
    rounds += 1;
    if (!isPaused) draw();
    document.body.dataset.rounds = rounds;
  }
  drawState();
}

// Controls.

function pause() {
  isPaused = !isPaused;
  setAttribute(byId('pause'), 'aria-pressed', isPaused);
  setText(byId('pause'), isPaused ? 'Continue' : 'Pause');
  if (!isPaused) draw();
  drawState();
}

function setTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId('theme').value = theme;
}

byId('pause').addEventListener('click', pause);
byId('exchange-open').addEventListener('click', () => exchange.open());
byId('filter').addEventListener('input', (event) => tables[current].setFilter(event.target.value));
byId('theme').addEventListener('change', (event) => {
  setTheme(event.target.value);
  try {
    localStorage.setItem('theme', event.target.value);
  } catch {
    // The browser stores nothing, so the choice lasts only as long as the page.
  }
});
for (const name of Object.keys(tables)) {
  byId(`${name}-tab`).addEventListener('click', () => choose(name));
  byId(`${name}-tab`).addEventListener('keydown', (event) => {
    const names = Object.keys(tables);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(names[(names.indexOf(name) + step + names.length) % names.length], true);
    event.preventDefault();
  });
}
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest('input, textarea, select, dialog');
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const actions = { '/': () => byId('filter').focus(), p: pause, s: () => exchange.open() };
  if (!Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});

try {
  setTheme(['light', 'dark'].find((theme) => theme === localStorage.getItem('theme')) ?? 'auto');
} catch {
  setTheme('auto');
}
choose('channels');
draw();
follow(take, (text) => {
  problem = text;
  drawState();
});
