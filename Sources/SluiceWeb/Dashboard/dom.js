// Makes all elements of the page. Texts of other clients become text nodes, never markup.

const SVG = 'http://www.w3.org/2000/svg';

// Controls except line ends and tabs, marks that change the direction of a text, and invisible characters. `sluice`
// escapes them on a terminal too.
const DECEPTIVE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

/** The text with an escape, such as `\u202e`, in place of each character that could make it look like another text. */
export function visible(text) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(DECEPTIVE, (character) => character.split('').map(escape).join(''));
}

const visibleIfText = (value) => (typeof value === 'string' ? visible(value) : value);

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else {
      node.setAttribute(name, value === true ? '' : visibleIfText(value));
    }
  }
  node.append(...children.filter((child) => child !== undefined && child !== null).map(visibleIfText));
  return node;
}

/** Makes an element of HTML. */
export function h(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/** Makes an element of SVG. */
export function s(name, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, name), attributes, children);
}

export const byId = (id) => document.getElementById(id);

/** Sets the text of a node, unless the node has it already. */
export function setText(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/** Sets an attribute, or removes it if the value is null. */
export function setAttribute(node, name, value) {
  const shown = visible(String(value));
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== shown) node.setAttribute(name, shown);
}
