/**
 * Draws a mesh: nodes are buttons over a drawing of links and of what is on its way. Sizes are CSS pixels, so text and
 * targets stay as large on a phone as on a desk; only the places move closer, and on a tall stage they turn.
 *
 * Who asked for less motion sees each frame in the middle of its link, without travelling.
 */
(() => {
  /** @typedef {import('./types.d.ts').Frame} Frame */
  /** @typedef {import('./types.d.ts').Mesh} Mesh */
  /** @typedef {import('./types.d.ts').MeshNode} MeshNode */
  /** @typedef {import('./types.d.ts').Place} Place */

  /** Places on a wide stage; on a tall one x and y change places. */
  const PLACES = /** @type {Readonly<Record<string, Place>>} */ ({
    R1: { x: 0.27, y: 0.33 },
    R2: { x: 0.5, y: 0.27 },
    R3: { x: 0.73, y: 0.33 },
    R4: { x: 0.27, y: 0.68 },
    R5: { x: 0.5, y: 0.74 },
    R6: { x: 0.73, y: 0.68 },
    Anna: { x: 0.09, y: 0.16 },
    Ben: { x: 0.91, y: 0.16 },
    Chen: { x: 0.91, y: 0.84 },
    Dora: { x: 0.09, y: 0.84 },
    Emil: { x: 0.32, y: 0.91 },
  });
  const TALL_PLACES = /** @type {Readonly<Record<string, Place>>} */ ({
    R1: { x: 0.34, y: 0.28 },
    R2: { x: 0.28, y: 0.5 },
    R3: { x: 0.34, y: 0.72 },
    R4: { x: 0.66, y: 0.28 },
    R5: { x: 0.64, y: 0.5 },
    R6: { x: 0.66, y: 0.72 },
    Anna: { x: 0.16, y: 0.09 },
    Ben: { x: 0.16, y: 0.9 },
    Chen: { x: 0.84, y: 0.9 },
    Dora: { x: 0.84, y: 0.09 },
    Emil: { x: 0.88, y: 0.5 },
  });
  /** A frame keeps to its side of the link (px), so that two that meet stay readable. */
  const SIDE = 9;
  const GLYPHS = { push: '', fetched: '', stored: '✓', announce: '', fetch: '?', compare: '=' };

  const SVG = 'http://www.w3.org/2000/svg';

  /** @type {(name: string, className: string, parent: Element) => Element} */
  function add(name, className, parent) {
    const element = document.createElementNS(SVG, name);
    element.setAttribute('class', className);
    parent.append(element);
    return element;
  }

  /** @type {(className: string, text: string) => HTMLSpanElement} */
  function span(className, text) {
    const element = document.createElement('span');
    element.className = className;
    element.textContent = text;
    return element;
  }

  /**
   * A button whose words are what a press does. All but the name is unseen; what is seen besides the name (an initial, a
   * number) is in the words of the list, and would only disturb here.
   * @type {(node: MeshNode, press: (id: string) => void) => HTMLButtonElement}
   */
  function createButton(node, press) {
    const button = document.createElement('button');
    const mark = span('mark', node.kind === 'leaf' ? node.id.charAt(0) : '');
    const name = span('name', '');
    const tally = span('tally', '');
    button.type = 'button';
    button.dataset.node = node.id;
    tally.ariaHidden = 'true';
    if (node.kind === 'leaf') mark.ariaHidden = 'true';
    (node.kind === 'leaf' ? name : mark).append(span('unseen', ''), node.id, span('unseen', ''));
    button.append(mark, name, tally);
    button.addEventListener('click', () => press(node.id));
    return button;
  }

  /** @type {(mesh: Mesh, node: MeshNode) => string} */
  function classOf(mesh, node) {
    const held = globalThis.meshMap.holds(node) ? 'holds' : 'bare';
    const here = node.isOn ? 'here' : 'gone';
    const mail =
      node.kind === 'relay' && [...node.mailboxes].some((id) => mesh.nodes.get(id)?.isOn === false)
        ? 'mail'
        : '';
    return `node ${node.kind} ${held} ${here} ${mail}`.trim();
  }

  /** @type {(button: HTMLButtonElement, mesh: Mesh, node: MeshNode) => void} */
  function showNode(button, mesh, node) {
    const tally = /** @type {HTMLElement} */ (button.lastElementChild);
    const words = globalThis.meshWords.press(node);
    const count = node.has.size === 0 ? '' : String(node.has.size);
    const className = classOf(mesh, node);
    if (button.className !== className) button.className = className;
    if (tally.textContent !== count) tally.textContent = count;
    for (const [i, unseen] of button.querySelectorAll('.unseen').entries()) {
      if (unseen.textContent !== words[i]) unseen.textContent = words[i] ?? '';
    }
  }

  /** @type {(mesh: Mesh) => Map<string, string>} Links to draw, with their class. */
  function linksToDraw(mesh) {
    const drawn = new Map([...mesh.overlay].map((key) => [key, 'link overlay']));
    for (const leaf of globalThis.meshMap.leaves(mesh)) {
      for (const [i, home] of leaf.homes.entries())
        drawn.set(`${leaf.id} ${home}`, i === 0 ? 'link live' : 'link standby');
    }
    return drawn;
  }

  /** @type {(stage: HTMLElement, mesh: Mesh, press: (id: string) => void) => import('./types.d.ts').MeshView} */
  globalThis.meshView = (stage, mesh, press) => {
    const still = matchMedia('(prefers-reduced-motion: reduce)');
    const svg = add('svg', 'wires', stage);
    svg.setAttribute('aria-hidden', 'true');
    const wires = add('g', '', svg);
    const dots = add('g', '', svg);
    /** @type {Map<string, Element>} */
    const lines = new Map();
    /** @type {Map<number, Element>} */
    const travelling = new Map();
    /** @type {Map<string, HTMLButtonElement>} */
    const buttons = new Map();
    let width = 1;
    let height = 1;
    let shown = mesh;

    for (const node of mesh.nodes.values()) {
      const button = createButton(node, press);
      buttons.set(node.id, button);
      stage.append(button);
    }

    /** @type {(id: string) => Place} in px */
    function placeOf(id) {
      const { x, y } = (height > width ? TALL_PLACES : PLACES)[id] ?? { x: 0.5, y: 0.5 };
      return { x: x * width, y: y * height };
    }

    /** @type {(key: string, isPlanned: boolean) => string} Links that were dialled later go round, not through others. */
    function pathOf(key, isPlanned) {
      const [from, to] = key.split(' ').map(placeOf);
      if (from === undefined || to === undefined) return '';
      const bend = isPlanned ? 0 : 0.16;
      const x = (from.x + to.x) / 2 + (to.y - from.y) * bend;
      const y = (from.y + to.y) / 2 - (to.x - from.x) * bend;
      return `M${from.x} ${from.y}Q${x} ${y} ${to.x} ${to.y}`;
    }

    function drawLinks() {
      const wanted = linksToDraw(shown);
      for (const [key, line] of lines) {
        if (wanted.has(key)) continue;
        line.remove();
        lines.delete(key);
      }
      for (const [key, className] of wanted) {
        const line = lines.get(key) ?? add('path', className, wires);
        lines.set(key, line);
        line.setAttribute('class', className);
        line.setAttribute('d', pathOf(key, shown.planned.has(key) || !className.includes('overlay')));
      }
    }

    /** @type {(frame: Frame) => Element} */
    function createDot(frame) {
      const group = add('g', `dot ${frame.type}`, dots);
      const isSmall = frame.type === 'announce';
      add('circle', '', group).setAttribute('r', isSmall ? '5' : '11');
      const text = add('text', '', group);
      text.setAttribute('text-anchor', 'middle');
      text.setAttribute('dy', '0.35em');
      text.textContent = GLYPHS[frame.type] || (isSmall ? '' : frame.messages.join(','));
      return group;
    }

    /** @type {(frame: Frame) => void} */
    function drawDot(frame) {
      const dot = travelling.get(frame.sequence) ?? createDot(frame);
      travelling.set(frame.sequence, dot);
      const part = still.matches ? 0.5 : (shown.now - frame.sent) / (frame.at - frame.sent);
      const [from, to] = [placeOf(frame.from), placeOf(frame.to)];
      const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
      const x = from.x + (to.x - from.x) * part - ((to.y - from.y) / length) * SIDE;
      const y = from.y + (to.y - from.y) * part + ((to.x - from.x) / length) * SIDE;
      dot.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }

    function drawDots() {
      const frames = shown.pending.filter((one) => one.type !== 'want');
      const there = new Set(frames.map(({ sequence }) => sequence));
      for (const [sequence, dot] of travelling) {
        if (there.has(sequence)) continue;
        dot.remove();
        travelling.delete(sequence);
      }
      for (const frame of frames) drawDot(frame);
    }

    /** @type {(next: Mesh) => void} */
    function draw(next) {
      shown = next;
      drawLinks();
      drawDots();
      for (const [id, button] of buttons) {
        const node = shown.nodes.get(id);
        if (node !== undefined) showNode(button, shown, node);
      }
    }

    new ResizeObserver(() => {
      width = stage.clientWidth;
      height = stage.clientHeight;
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      for (const [id, button] of buttons) {
        const { x, y } = placeOf(id);
        button.style.left = `${x}px`;
        button.style.top = `${y}px`;
      }
      draw(shown);
    }).observe(stage);
    return { draw };
  };
})();
