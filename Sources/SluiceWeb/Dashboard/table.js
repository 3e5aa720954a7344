// A table of any number of rows, of which only the visible ones are in the document.

import { h, setAttribute, setText } from './dom.js';

/** The height of a row in CSS pixels, which style.css sets too. */
const HEIGHT = 28;
/** Rows above and below the visible ones, so that fast scrolling shows no gaps. */
const MARGIN = 6;

/**
 * Each column has `key`, `title`, `least` (its least width in em) and `share` (its share of the rest). `text(row)` is the text
 * of a cell, `order(row)` the value to sort by, and `style(row)` a class. `chart()` makes the chart of a cell that has no text.
 * `hint` is the tooltip of the heading. `isNumber` aligns the text to the right.
 */
export class Table {
  constructor({ name, columns, empty, sort, descending = false, key, open }) {
    this.columns = columns;
    this.key = key;
    this.open = open;
    this.sortKey = sort;
    this.isDescending = descending;
    this.rows = [];
    this.order = [];
    this.filter = '';
    this.omitted = 0;
    this.selected = null;
    this.emptyText = empty;
    this.pool = [];
    this.id = name.toLowerCase();
    this.build(name);
  }

  build(name) {
    this.headings = this.columns.map((column) => this.heading(column));
    this.spacer = h('div', { class: 'spacer', role: 'presentation' });
    this.note = h('p', { class: 'note', role: 'status' });
    const template = this.columns.map(({ least, share }) => `minmax(${least}em, ${share}fr)`).join(' ');
    const least = this.columns.reduce((sum, column) => sum + column.least, 0);
    this.head = h('div', { class: 'row head', role: 'row', 'aria-rowindex': 1 }, ...this.headings.map(({ node }) => node));
    this.body = h('div', { class: 'body', role: 'rowgroup' }, this.spacer);
    this.grid = h(
      'div',
      { class: 'grid', role: 'grid', tabindex: 0, 'aria-label': name, 'aria-colcount': this.columns.length },
      h('div', { class: 'top', role: 'rowgroup' }, this.head),
      this.body,
    );
    this.grid.style.setProperty('--columns', template);
    this.grid.style.setProperty('--least', `calc(${least}em + ${12 * (this.columns.length + 1)}px)`);
    this.node = h('div', { class: `table ${this.id}` }, this.grid, this.note);
    this.grid.addEventListener('scroll', () => this.drawSoon(), { passive: true });
    this.grid.addEventListener('keydown', (event) => this.press(event));
    this.body.addEventListener('click', (event) => this.click(event));
    new ResizeObserver(() => this.drawSoon()).observe(this.grid);
  }

  heading(column) {
    const button = column.order
      ? h('button', { type: 'button', title: column.hint, on: { click: () => this.sortBy(column) } }, column.title)
      : h('span', { title: column.hint, class: column.title ? '' : 'hidden' }, column.title || column.hint);
    const style = `c-${column.key}${column.isNumber ? ' number' : ''}`;
    return { column, node: h('div', { role: 'columnheader', class: style }, button) };
  }

  sortBy(column) {
    this.isDescending = this.sortKey === column.key ? !this.isDescending : Boolean(column.isNumber);
    this.sortKey = column.key;
    this.update(this.rows, this.omitted);
  }

  setFilter(text) {
    this.filter = text.trim().toLowerCase();
    this.grid.scrollTop = 0;
    this.update(this.rows, this.omitted);
  }

  /** Shows rows. */
  update(rows, omitted = 0) {
    this.rows = rows;
    this.omitted = omitted;
    const filter = this.filter;
    const found = filter ? rows.filter((row) => this.columns.some((c) => c.searched && c.text(row).toLowerCase().includes(filter))) : [...rows];
    const column = this.columns.find(({ key }) => key === this.sortKey);
    const sign = this.isDescending ? -1 : 1;
    const name = this.key;
    // Each value is calculated once: some of them change while the rows are compared.
    const keyed = found.map((row) => ({ row, value: column.order(row), name: name(row) }));
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    keyed.sort((a, b) => sign * compare(a.value, b.value) || compare(a.name, b.name));
    this.order = keyed.map(({ row }) => row);
    for (const { column: each, node } of this.headings) {
      if (!each.order) continue;
      setAttribute(node, 'aria-sort', each.key !== this.sortKey ? 'none' : this.isDescending ? 'descending' : 'ascending');
    }
    setAttribute(this.grid, 'aria-rowcount', this.order.length + 1);
    this.grid.style.setProperty('--rows', this.order.length);
    this.spacer.style.height = `${this.order.length * HEIGHT}px`;
    this.tell();
    this.draw();
  }

  tell() {
    const hidden = this.rows.length - this.order.length;
    let text = '';
    if (this.rows.length === 0 && this.omitted === 0) text = this.emptyText;
    else if (this.order.length === 0) text = 'nothing matches the filter';
    else if (hidden > 0) text = `${hidden} hidden by the filter`;
    if (this.omitted > 0) text += `${text ? '; ' : ''}… and ${this.omitted} more that the server does not show`;
    setText(this.note, text);
    this.note.hidden = !text;
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    if (!this.grid.isConnected || this.grid.clientHeight === 0) return;
    const visible = Math.ceil(this.grid.clientHeight / HEIGHT) + 2 * MARGIN;
    const most = Math.max(0, this.order.length - visible);
    const first = Math.min(most, Math.max(0, Math.floor(this.grid.scrollTop / HEIGHT) - MARGIN));
    const count = Math.min(visible, this.order.length - first);
    while (this.pool.length < count) this.pool.push(this.makeRow());
    let selected = null;
    this.pool.forEach((slot, index) => {
      slot.node.hidden = index >= count;
      if (slot.node.hidden) {
        slot.node.id = '';
        return;
      }
      this.fill(slot, first + index);
      if (slot.isSelected) selected = slot.node.id;
    });
    setAttribute(this.grid, 'aria-activedescendant', selected);
  }

  makeRow() {
    const cells = this.columns.map((column) => {
      const chart = column.chart?.();
      const style = `c-${column.key}${column.isNumber ? ' number' : ''}`;
      const node = h('div', { role: 'gridcell', class: style }, chart?.node ?? '');
      return { column, node, chart, style };
    });
    const node = h('div', { class: 'row', role: 'row' }, ...cells.map((cell) => cell.node));
    this.body.append(node);
    return { node, cells, isSelected: false };
  }

  fill(slot, index) {
    const row = this.order[index];
    const key = this.key(row);
    slot.row = row;
    slot.node.style.transform = `translateY(${index * HEIGHT}px)`;
    slot.node.id = `${this.id}-row-${index}`;
    setAttribute(slot.node, 'aria-rowindex', index + 2);
    slot.isSelected = key === this.selected;
    setAttribute(slot.node, 'aria-selected', slot.isSelected);
    for (const { column, node, chart, style } of slot.cells) {
      if (chart) {
        chart.update(column.history(row));
        continue;
      }
      const text = column.text(row);
      setText(node, text);
      if (column.isLong) setAttribute(node, 'title', text);
      const extra = column.style?.(row) ?? '';
      const all = extra ? `${style} ${extra}` : style;
      if (node.className !== all) node.className = all;
    }
  }

  // Choosing rows.

  get selectedIndex() {
    return this.selected === null ? -1 : this.order.findIndex((row) => this.key(row) === this.selected);
  }

  select(index) {
    if (this.order.length === 0) return;
    const at = Math.min(Math.max(0, index), this.order.length - 1);
    this.selected = this.key(this.order[at]);
    const [top, height] = [at * HEIGHT, this.grid.clientHeight - this.head.offsetHeight];
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    if (top + HEIGHT > this.grid.scrollTop + height) this.grid.scrollTop = top + HEIGHT - height;
    this.draw();
  }

  press(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / HEIGHT) - 2);
    const index = this.selectedIndex;
    const targets = {
      ArrowDown: index + 1, ArrowUp: Math.max(0, index - 1), j: index + 1, k: Math.max(0, index - 1),
      PageDown: index + page, PageUp: index - page, Home: 0, End: this.order.length - 1,
    };
    if (Object.hasOwn(targets, event.key)) this.select(targets[event.key]);
    else if (event.key === 'Enter' && index >= 0) this.open?.(this.order[index]);
    else return;
    event.preventDefault();
  }

  click(event) {
    const slot = this.pool.find(({ node }) => node.contains(event.target));
    if (!slot?.row) return;
    this.selected = this.key(slot.row);
    this.draw();
    this.open?.(slot.row);
  }
}
