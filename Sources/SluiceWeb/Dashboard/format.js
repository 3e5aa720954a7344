// Formats numbers, times and rows with the same words as `sluice top` and the readable reports.

const THIN = '\u202f';

/** 1234567 -> "1 234 567". */
export function number(value) {
  return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** A rate in a few characters. */
export function rate(value) {
  if (value < 0.05) return '0';
  if (value < 10) return (Math.floor(value * 10) / 10).toFixed(1);
  if (value < 1e6) return number(value);
  return `${(value / 1e6).toFixed(1)} M`;
}

/** A duration, rounded down to the last unit shown. */
export function seconds(value) {
  const milliseconds = Math.round(Math.max(0, value) * 1000);
  const whole = Math.floor(milliseconds / 1000);
  const two = (n) => String(n).padStart(2, '0');
  if (whole === 0) return `${milliseconds} ms`;
  if (whole < 60) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

/** A duration in its largest unit only, rounded down. */
export function shortly(value) {
  if (value < 1) return seconds(value);
  for (const [size, unit] of [[86400, 'd'], [3600, 'h'], [60, 'm']]) if (value >= size) return `${Math.floor(value / size)} ${unit}`;
  return `${Math.floor(value)} s`;
}

/** 1536 -> "1.5 KiB". */
export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = unit === 0 || value >= 100 ? String(Math.floor(value)) : (Math.floor(value * 10) / 10).toFixed(1);
  return `${text} ${units[unit]}`;
}

/** "1 client", "2 clients". */
export function plural(count, word) {
  return `${number(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** A channel's declaration, as in the column KIND. */
export function kind(channel) {
  if (channel.kind !== 'queue') return channel.kind;
  if (!channel.capacity) return channel.overflow && channel.overflow !== 'block' ? channel.overflow : 'rendezvous';
  return `queue ${channel.capacity}${channel.overflow === 'block' ? '' : ` ${channel.overflow}`}`;
}

/** A channel's state with its reason, as in the column STATE. */
export function state(channel) {
  if (channel.state === 'open' && channel.waitingDeadLetters > 0) {
    return `open: ${channel.waitingDeadLetters} rejected wait for '${channel.dead}'`;
  }
  return channel.reason ? `${channel.state}: ${channel.reason}` : channel.state;
}

/** An operation as a person would type it. */
export function operation(waiter) {
  const most = 8;
  const shown = waiter.targets.slice(0, most).join(' | ');
  const more = waiter.targets.length > most ? ` | ... and ${waiter.targets.length - most} more` : '';
  return `${waiter.operation} ${shown}${more}`.trim();
}

/** A client's label with its address, or the address alone. */
export function client(label, address) {
  return label ? `${label} (${address})` : address;
}
