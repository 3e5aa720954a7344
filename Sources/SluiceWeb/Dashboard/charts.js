// Sparklines, the chart of the whole hub, and gauges.

import { h, s, setAttribute, setText } from './dom.js';
import { SPAN } from './model.js';

const WIDTH = SPAN - 1;

/** Returns the path of a line through the values, in a box of 59 by `height`. */
function line(values, highest, height) {
  let path = '';
  for (let index = 0; index < SPAN; index += 1) {
    const y = height - (highest > 0 ? (values[index] / highest) * height : 0);
    path += `${index ? 'L' : 'M'}${index} ${Math.round(y * 100) / 100}`;
  }
  return path;
}

/** A line of one minute in a cell of a table. */
export class Sparkline {
  constructor(style) {
    this.line = s('path', { class: 'line' });
    this.area = s('path', { class: 'area' });
    this.node = s(
      'svg',
      { class: `sparkline ${style}`, viewBox: `0 -1 ${WIDTH} 18`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      this.area,
      this.line,
    );
  }

  /** @param history the values; null for none */
  update(history) {
    const path = history ? line(history.values, Math.max(...history.values), 16) : '';
    setAttribute(this.line, 'd', path);
    setAttribute(this.area, 'd', path && `${path}L${WIDTH} 16L0 16Z`);
  }
}

/** A larger chart, with its highest value and its span. */
export class Chart {
  constructor(label, format, style = '') {
    this.format = format;
    this.label = label;
    this.line = s('path', { class: 'line' });
    this.area = s('path', { class: 'area' });
    this.top = h('span', { class: 'top' });
    this.picture = s(
      'svg',
      { viewBox: `0 -1 ${WIDTH} 42`, preserveAspectRatio: 'none', role: 'img' },
      s('path', { class: 'rule', d: `M0 0H${WIDTH}M0 20H${WIDTH}M0 40H${WIDTH}` }),
      this.area,
      this.line,
    );
    this.node = h(
      'div',
      { class: `chart ${style}` },
      this.top,
      this.picture,
      h('p', { class: 'axis', 'aria-hidden': 'true' }, h('span', {}, '60 s ago'), h('span', {}, 'now')),
    );
  }

  update(history) {
    const values = history?.values ?? new Float32Array(SPAN);
    const highest = Math.max(...values);
    const path = line(values, highest, 40);
    setAttribute(this.line, 'd', path);
    setAttribute(this.area, 'd', `${path}L${WIDTH} 40L0 40Z`);
    setText(this.top, highest > 0 ? this.format(highest) : '');
    const now = this.format(values[SPAN - 1]);
    setAttribute(this.picture, 'aria-label', `${this.label}: ${now} now, ${this.format(highest)} at most in the last minute`);
  }
}

/** How much of a limit is used. */
export class Gauge {
  constructor(name, format) {
    this.format = format;
    this.fill = h('i', {});
    this.text = h('span', { class: 'value' });
    this.meter = h(
      'div',
      { class: 'meter', role: 'meter', 'aria-label': name, 'aria-valuemin': 0, 'aria-valuemax': 100 },
      this.fill,
    );
    this.node = h('li', {}, h('span', { class: 'name' }, name), this.text, this.meter);
  }

  update(value, limit) {
    this.node.hidden = value === undefined || !limit;
    if (this.node.hidden) return;
    const share = Math.min(1, value / limit);
    this.fill.style.width = `${Math.max(share * 100, value > 0 ? 0.5 : 0)}%`;
    setAttribute(this.meter, 'data-level', share >= 0.9 ? 'high' : share >= 0.7 ? 'notable' : 'low');
    const text = `${this.format(value)} of ${this.format(limit)}`;
    setText(this.text, text);
    setAttribute(this.meter, 'aria-valuenow', Math.round(share * 100));
    setAttribute(this.meter, 'aria-valuetext', text);
  }
}
