// Checks of the page that is loaded, in the spirit of axe. Each returns a list of faults.
(() => {
  const isShown = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getClientRects().length > 0;

  const parse = (color) => {
    const numbers = color.match(/[\d.]+/g).map(Number);
    if (color.startsWith('color(srgb')) return [...numbers.slice(0, 3).map((n) => n * 255), numbers[3] ?? 1];
    return [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const over = (top, bottom) => [0, 1, 2].map((i) => top[i] * top[3] + bottom[i] * (1 - top[3]));
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (node) => {
    const layers = [];
    for (let each = node; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };

  return {
    /** Texts whose contrast is below 4.5. */
    contrast() {
      const faults = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !isShown(node) || node.closest('.hidden, .skip, :disabled, svg')) continue;
        const below = background(node);
        const [a, b] = [luminance(over(parse(getComputedStyle(node).color), below)), luminance(below)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) faults.push(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${walker.currentNode.data.trim().slice(0, 30)}`);
      }
      return [...new Set(faults)];
    },
    /** Ids that occur twice, and references to ids that do not exist. */
    references() {
      const faults = [];
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id).filter(Boolean);
      ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => faults.push(`twice: ${id}`));
      for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'aria-activedescendant']) {
        for (const node of document.querySelectorAll(`[${name}]`)) {
          for (const id of node.getAttribute(name).split(' ')) if (!document.getElementById(id)) faults.push(`${name}=${id}`);
        }
      }
      return faults;
    },
    /** Marks and returns what the keyboard should reach. */
    stops() {
      const all = [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]')];
      const stops = all.filter((node) => node.tabIndex >= 0 && !node.disabled && isShown(node));
      stops.forEach((node, index) => { node.dataset.stop = index; });
      return stops.length;
    },
  };
})();
