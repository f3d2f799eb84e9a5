/**
 * Brings the picture to life: the clock, the buttons, the lines of words, and a scene that plays once when the picture
 * comes into view. Whoever touches a node ends the scene and has the mesh for himself; from then on the lines are also
 * read aloud by screen readers. Nothing plays by itself for those who asked for less motion.
 */
(() => {
  /** @typedef {import('./types.d.ts').Mesh} Mesh */
  /** @typedef {import('./types.d.ts').MeshNode} MeshNode */
  const { create, send, toggle, advance, isQuiet, takeEvents } = globalThis.meshModel;
  const { event: wordsOf, state: stateOf } = globalThis.meshWords;

  /** Lines that stay readable; older ones go. */
  const LINES = 7;
  /** The most that one picture of the screen moves the clock (ms): after a hidden tab nothing jumps. */
  const STEP_MS_MAX = 60;
  /** Between two acts of the scene (ms). */
  const BREATH_MS = 1500;

  /** Each act begins when everything of the one before has arrived. @type {(() => void)[]} */
  const SCENE = [
    () => send(mesh, 'Anna'),
    () => {
      toggle(mesh, 'Chen');
      send(mesh, 'Ben');
    },
    () => toggle(mesh, 'Chen'),
    () => {
      toggle(mesh, 'R2');
      send(mesh, 'Anna');
    },
    () => toggle(mesh, 'R2'),
  ];

  /** @type {(id: string) => HTMLElement} */
  function element(id) {
    const found = document.getElementById(id);
    if (found === null) throw new Error(`the page has no element ${id}`);
    return found;
  }

  const log = element('picture-log');
  const pauseButton = element('picture-pause');
  const peers = element('picture-peers');

  let mesh = create();
  let isPaused = false;
  let isRunning = false;
  let lastMs = 0;
  /** acts left, and when the next may begin (ms of the mesh) */
  let scene = /** @type {(() => void)[]} */ ([]);
  let nextActAt = 0;

  const view = globalThis.meshView(element('picture-stage'), mesh, (id) => {
    const node = mesh.nodes.get(id);
    if (node?.kind === 'leaf' && node.isOn) act(() => send(mesh, id));
    else act(() => toggle(mesh, id));
  });

  // --- The list of all nodes

  /** @type {(text: string, label: string) => HTMLButtonElement} */
  function smallButton(text, label) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'small';
    button.textContent = text;
    button.setAttribute('aria-label', label);
    return button;
  }

  /** @type {(node: MeshNode) => () => void} Adds the node to the list, and returns how to show its state. */
  function addToList(node) {
    const { id, kind } = node;
    const item = document.createElement('li');
    const name = document.createElement('strong');
    const state = document.createElement('span');
    const actions = document.createElement('span');
    const turn = smallButton('', '');
    name.textContent = id;
    actions.className = 'actions';
    if (kind === 'leaf') {
      const button = smallButton('Send', `Send a message from ${id}`);
      button.addEventListener('click', () => act(() => send(mesh, id)));
      actions.append(button);
    }
    turn.addEventListener('click', () => act(() => toggle(mesh, id)));
    actions.append(turn);
    item.append(name, state, actions);
    peers.append(item);
    return () => {
      const now = mesh.nodes.get(id);
      if (now === undefined) return;
      const [away, back] = kind === 'leaf' ? ['Take away', 'Bring back'] : ['Switch off', 'Switch on'];
      const text = (now.isOn ? away : back) ?? '';
      const words = stateOf(mesh, now);
      const sendButton = kind === 'leaf' ? actions.querySelector('button') : null;
      if (sendButton !== null) sendButton.disabled = !now.isOn;
      if (state.textContent !== words) state.textContent = words;
      if (turn.textContent === text) return;
      turn.textContent = text;
      turn.setAttribute('aria-label', `${text} ${id}`);
    };
  }

  const showStates = [...mesh.nodes.values()].map(addToList);

  // --- Words

  /** @type {(text: string) => void} The newest line stands first. */
  function say(text) {
    const line = document.createElement('p');
    line.textContent = text;
    log.prepend(line);
    while (log.children.length > LINES) log.lastElementChild?.remove();
  }

  function show() {
    for (const event of takeEvents(mesh)) say(wordsOf(event));
    for (const showState of showStates) showState();
    view.draw(mesh);
  }

  // --- The clock

  function playScene() {
    if (scene.length === 0 || !isQuiet(mesh)) return;
    if (nextActAt === 0) nextActAt = mesh.now + BREATH_MS;
    if (mesh.now < nextActAt) return;
    nextActAt = 0;
    scene.shift()?.();
  }

  /** @type {(ms: number) => void} */
  function tick(ms) {
    advance(mesh, mesh.now + Math.min(STEP_MS_MAX, Math.max(0, ms - lastMs)));
    lastMs = ms;
    playScene();
    show();
    isRunning = !isPaused && (scene.length > 0 || !isQuiet(mesh));
    if (isRunning) requestAnimationFrame(tick);
  }

  function run() {
    if (isRunning || isPaused) return;
    isRunning = true;
    requestAnimationFrame((ms) => {
      lastMs = ms;
      tick(ms);
    });
  }

  /** @type {(change: () => void) => void} What a person does. */
  function act(change) {
    scene = [];
    log.setAttribute('aria-live', 'polite');
    change();
    show();
    run();
  }

  /** @type {(paused: boolean) => void} */
  function setPaused(paused) {
    isPaused = paused;
    pauseButton.textContent = paused ? 'Go on' : 'Pause';
    if (!paused) run();
  }

  function startOver() {
    mesh = create();
    scene = [];
    nextActAt = 0;
    log.replaceChildren();
    setPaused(false);
    show();
  }

  function startScene() {
    startOver();
    scene = [...SCENE];
    run();
  }

  pauseButton.addEventListener('click', () => setPaused(!isPaused));
  element('picture-reset').addEventListener('click', startOver);
  element('picture-scene').addEventListener('click', () => {
    log.setAttribute('aria-live', 'polite');
    startScene();
  });

  element('picture').hidden = false;
  show();
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      const isUntouched = mesh.signedAt.length === 0 && mesh.sequence === 0;
      if (isUntouched && !matchMedia('(prefers-reduced-motion: reduce)').matches) startScene();
    },
    { threshold: 0.4 },
  );
  observer.observe(element('picture-stage'));
})();
