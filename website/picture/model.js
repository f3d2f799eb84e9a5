/**
 * The mesh of the picture: six relays, five leaves and one channel, with the rules of docs/protocol/mesh.md.
 *
 * Pure: no clock, no chance, no page. Whoever owns the mesh says what time it is (`advance`), and takes what happened
 * (`takeEvents`). Simplified: one channel; a leaf keeps two home relays instead of three and a relay at least two
 * overlay links instead of six; a comparison of two peers is one step; links come and go at once.
 */
(() => {
  /** @typedef {import('./types.d.ts').Frame} Frame */
  /** @typedef {import('./types.d.ts').Leaf} Leaf */
  /** @typedef {import('./types.d.ts').Mesh} Mesh */
  /** @typedef {import('./types.d.ts').MeshEvent} MeshEvent */
  /** @typedef {import('./types.d.ts').Relay} Relay */
  const { linkKey, neighbours, holds, isLinked, wantedChildren, leavesOf, relays, leaves } =
    globalThis.meshMap;
  const { HOP_MS, SETTLED_MS, nodeOf, tell, transmit, links, isDifferent, compare, startHolding } =
    globalThis.meshCatchUp;
  const { noteAnnounced, askAnnouncer, answerFetch, pullLacking } = globalThis.meshCatchUp;

  /** How often neighbours look whether they have the same. */
  const HEARTBEAT_MS = 6 * HOP_MS;
  const HOMES = 2;
  const OVERLAY_LINKS = 2;
  const ROOTS_MAX = 3;

  const RELAYS = ['R1', 'R2', 'R3', 'R4', 'R5', 'R6'];
  const LINKS = ['R1 R2', 'R2 R3', 'R4 R5', 'R5 R6', 'R1 R4', 'R2 R5', 'R3 R6'];
  /** @type {[string, boolean, string[]][]} name, whether it has joined the channel, relays in the order of dialling */
  const LEAVES = [
    ['Anna', true, ['R1', 'R2', 'R4', 'R5', 'R3', 'R6']],
    ['Ben', true, ['R3', 'R2', 'R6', 'R5', 'R1', 'R4']],
    ['Chen', true, ['R6', 'R3', 'R5', 'R2', 'R4', 'R1']],
    ['Dora', false, ['R4', 'R1', 'R5', 'R2', 'R6', 'R3']],
    ['Emil', false, ['R5', 'R4', 'R6', 'R2', 'R1', 'R3']],
  ];

  // --- Own messages

  /** @type {(mesh: Mesh, leaf: Leaf, messages: readonly number[]) => void} */
  function pushOwn(mesh, leaf, messages) {
    const [live] = leaf.homes;
    if (live === undefined) return;
    for (const message of messages) {
      leaf.own.set(message, 'relayed');
      transmit(mesh, { type: 'push', from: leaf.id, to: live, messages: [message] });
    }
  }

  /** @type {(mesh: Mesh, id: string) => void} A leaf that is there signs a message and hands it to its live relay. */
  function send(mesh, id) {
    const leaf = nodeOf(mesh, id);
    if (leaf.kind !== 'leaf' || !leaf.isOn) return;
    const message = mesh.signedAt.push(mesh.now);
    leaf.has.add(message);
    leaf.own.set(message, 'queued');
    tell(mesh, { type: 'signed', leaf: id, relay: leaf.homes[0] ?? null, message });
    pushOwn(mesh, leaf, [message]);
  }

  // --- What a relay does with a message

  /** @type {(mesh: Mesh, relay: Relay, message: number, except: readonly string[]) => void} */
  function announceToNeighbours(mesh, relay, message, except) {
    for (const id of neighbours(mesh, relay.id)) {
      if (except.includes(id) || !holds(nodeOf(mesh, id))) continue;
      transmit(mesh, { type: 'announce', from: relay.id, to: id, messages: [message] });
    }
  }

  /** @type {(mesh: Mesh, relay: Relay, message: number, from: string, isPush: boolean) => void} */
  function serveLeaves(mesh, relay, message, from, isPush) {
    if (relay.served.has(message)) return;
    relay.served.add(message);
    for (const leaf of leavesOf(mesh, relay.id)) {
      if (!leaf.joined || leaf.id === from) continue;
      const type = isPush && leaf.homes[0] === relay.id ? 'push' : 'announce';
      transmit(mesh, { type, from: relay.id, to: leaf.id, messages: [message], root: relay.id });
    }
  }

  /** @type {(mesh: Mesh, relay: Relay, message: number) => boolean} True if it is held here and was not there before. */
  function store(mesh, relay, message) {
    if (!holds(relay) || relay.has.has(message)) return false;
    relay.has.add(message);
    for (const leaf of leaves(mesh)) {
      if (leaf.isOn || !relay.mailboxes.has(leaf.id) || leaf.has.has(message)) continue;
      tell(mesh, { type: 'kept', relay: relay.id, leaf: leaf.id, message });
    }
    return true;
  }

  /** @type {(mesh: Mesh, relay: Relay, frame: Frame, message: number) => void} */
  function forward(mesh, relay, frame, message) {
    const root = frame.root ?? relay.id;
    const roots = relay.roots.get(message) ?? new Set();
    const isNewRoot = !roots.has(root) && roots.size < ROOTS_MAX;
    const wanted = isNewRoot ? wantedChildren(mesh, relay.id, root) : [];
    const children = wanted.filter((id) => id !== frame.from);
    relay.roots.set(message, roots);
    if (isNewRoot) {
      roots.add(root);
      for (const to of children)
        transmit(mesh, { type: 'push', from: relay.id, to, messages: [message], root });
      serveLeaves(mesh, relay, message, frame.from, true);
    }
    if (isNewRoot && frame.root === null) tell(mesh, { type: 'rooted', relay: relay.id, message, children });
    else if (isNewRoot && !holds(relay)) tell(mesh, { type: 'passed', relay: relay.id, message, children });
    if (store(mesh, relay, message)) announceToNeighbours(mesh, relay, message, [...wanted, frame.from]);
  }

  /** @type {(mesh: Mesh, relay: Relay, frame: Frame) => void} */
  function pushedToRelay(mesh, relay, frame) {
    const fromAuthor = frame.root === null;
    // The author asks to keep the message: from now on the channel is carried here.
    if (fromAuthor) startHolding(mesh, relay, () => (relay.carries = true));
    for (const message of frame.messages) forward(mesh, relay, frame, message);
    if (fromAuthor)
      transmit(mesh, { type: 'stored', from: relay.id, to: frame.from, messages: frame.messages });
  }

  /** @type {(mesh: Mesh, relay: Relay, frame: Frame) => void} What was fetched has no root: it is stored and announced. */
  function fetchedByRelay(mesh, relay, frame) {
    for (const message of frame.messages) {
      if (!store(mesh, relay, message)) continue;
      announceToNeighbours(mesh, relay, message, [frame.from]);
      serveLeaves(mesh, relay, message, frame.from, false);
    }
  }

  // --- What a leaf does with a message

  /** @type {(mesh: Mesh, leaf: Leaf, frame: Frame) => void} */
  function receive(mesh, leaf, frame) {
    const how = frame.type === 'push' ? 'pushed' : (frame.why ?? 'announced');
    for (const message of frame.messages) {
      if (leaf.has.has(message)) continue;
      leaf.has.add(message);
      tell(mesh, { type: 'arrived', leaf: leaf.id, relay: frame.from, message, how });
    }
  }

  // --- Links come and go

  /** @type {(mesh: Mesh, leaf: Leaf) => void} Dials until it has its home relays; the first one is live. */
  function dialHomes(mesh, leaf) {
    const liveBefore = leaf.homes[0];
    for (const id of leaf.knows) {
      const relay = nodeOf(mesh, id);
      if (leaf.homes.length >= HOMES) break;
      if (relay.kind !== 'relay' || !relay.isOn || leaf.homes.includes(id)) continue;
      leaf.homes.push(id);
      if (leaf.joined) startHolding(mesh, relay, () => relay.mailboxes.add(leaf.id));
      compare(mesh, leaf.id, id, mesh.now);
    }
    if (leaf.homes[0] !== liveBefore) pushOwn(mesh, leaf, unconfirmed(leaf));
  }

  /** @type {(leaf: Leaf) => number[]} */
  function unconfirmed(leaf) {
    return [...leaf.own].filter(([, state]) => state !== 'stored').map(([message]) => message);
  }

  /** @type {(mesh: Mesh) => void} A relay with too few overlay links dials others that it knows. */
  function healOverlay(mesh) {
    const there = relays(mesh).filter(({ isOn }) => isOn);
    for (const { id } of there) {
      for (const { id: other } of there) {
        if (neighbours(mesh, id).length >= OVERLAY_LINKS) break;
        if (other !== id && !isLinked(mesh, id, other)) linkRelays(mesh, id, other);
      }
    }
  }

  /** @type {(mesh: Mesh, one: string, other: string) => void} */
  function linkRelays(mesh, one, other) {
    mesh.overlay.add(linkKey(one, other));
    compare(mesh, one, other, mesh.now);
  }

  /** @type {(mesh: Mesh, id: string) => void} All links of a node end, and what was on its way over them is lost. */
  function cutLinks(mesh, id) {
    for (const key of mesh.overlay) if (key.split(' ').includes(id)) mesh.overlay.delete(key);
    const left = mesh.pending.filter((one) => one.type !== 'want' && (one.from === id || one.to === id));
    mesh.pending = mesh.pending.filter((one) => !left.includes(one));
    for (const frame of left) {
      if (frame.type !== 'push' && frame.type !== 'fetched') continue;
      for (const message of frame.messages)
        tell(mesh, { type: 'lost', from: frame.from, to: frame.to, message });
    }
  }

  /** @type {(mesh: Mesh, relay: Relay) => void} */
  function switchOff(mesh, relay) {
    relay.isOn = false;
    tell(mesh, { type: 'off', relay: relay.id });
    cutLinks(mesh, relay.id);
    // What it knew in memory only is gone; disk and mailboxes stay.
    for (const memory of [relay.roots, relay.served, relay.announcers]) memory.clear();
    healOverlay(mesh);
    for (const leaf of leaves(mesh)) {
      if (!leaf.homes.includes(relay.id)) continue;
      const wasLive = leaf.homes[0] === relay.id;
      leaf.homes = leaf.homes.filter((id) => id !== relay.id);
      const again = wasLive ? unconfirmed(leaf) : [];
      // The standby relay becomes the live one at once, and gets what nobody has confirmed.
      if (wasLive) pushOwn(mesh, leaf, again);
      dialHomes(mesh, leaf);
      if (wasLive) tell(mesh, { type: 'moved', leaf: leaf.id, relay: leaf.homes[0] ?? null, again });
    }
  }

  /** @type {(mesh: Mesh, relay: Relay) => void} */
  function switchOn(mesh, relay) {
    relay.isOn = true;
    tell(mesh, { type: 'on', relay: relay.id });
    for (const key of mesh.planned) {
      const ends = key.split(' ');
      const other = ends.find((id) => id !== relay.id);
      if (!ends.includes(relay.id) || other === undefined || !nodeOf(mesh, other).isOn) continue;
      linkRelays(mesh, relay.id, other);
    }
    healOverlay(mesh);
    for (const leaf of leaves(mesh)) {
      if (!leaf.isOn || leaf.homes.length >= HOMES) continue;
      const wasAlone = leaf.homes.length === 0;
      const again = wasAlone ? unconfirmed(leaf) : [];
      dialHomes(mesh, leaf);
      if (wasAlone) tell(mesh, { type: 'moved', leaf: leaf.id, relay: leaf.homes[0] ?? null, again });
    }
  }

  /** @type {(mesh: Mesh, leaf: Leaf) => void} */
  function goAway(mesh, leaf) {
    tell(mesh, { type: 'away', leaf: leaf.id, relays: leaf.joined ? leaf.homes : [] });
    leaf.isOn = false;
    // It remembers its relays, and dials them first when it is back.
    leaf.knows = [...new Set([...leaf.homes, ...leaf.knows])];
    cutLinks(mesh, leaf.id);
    leaf.homes = [];
    leaf.announcers.clear();
  }

  /** @type {(mesh: Mesh, leaf: Leaf) => void} */
  function comeBack(mesh, leaf) {
    leaf.isOn = true;
    dialHomes(mesh, leaf);
    tell(mesh, { type: 'back', leaf: leaf.id, relay: leaf.homes[0] ?? null });
  }

  /** @type {(mesh: Mesh, id: string) => void} Switches a relay off or on; takes a leaf away or brings it back. */
  function toggle(mesh, id) {
    const node = nodeOf(mesh, id);
    if (node.kind === 'relay') (node.isOn ? switchOff : switchOn)(mesh, node);
    else (node.isOn ? goAway : comeBack)(mesh, node);
  }

  // --- Time

  /** @type {(mesh: Mesh, frame: Frame) => void} */
  function arrive(mesh, frame) {
    const node = nodeOf(mesh, frame.to);
    if (frame.type === 'announce') return noteAnnounced(mesh, node, frame);
    if (frame.type === 'fetch') return answerFetch(mesh, node, frame);
    if (frame.type === 'compare') return pullLacking(mesh, node, frame);
    if (node.kind === 'relay')
      return (frame.type === 'push' ? pushedToRelay : fetchedByRelay)(mesh, node, frame);
    if (frame.type !== 'stored') return receive(mesh, node, frame);
    for (const message of frame.messages) {
      node.own.set(message, 'stored');
      tell(mesh, { type: 'stored', leaf: node.id, relay: frame.from, message });
    }
  }

  /** @type {(mesh: Mesh, now: number) => void} Lets everything happen that is due at `now` (ms, never before `mesh.now`). */
  function advance(mesh, now) {
    for (;;) {
      const due = mesh.pending.toSorted((a, b) => a.at - b.at || a.sequence - b.sequence)[0];
      const next = Math.min(due?.at ?? Number.POSITIVE_INFINITY, mesh.heartbeatAt);
      if (next > now) break;
      mesh.now = next;
      if (due !== undefined && due.at === next) {
        mesh.pending.splice(mesh.pending.indexOf(due), 1);
        if (due.type === 'want') askAnnouncer(mesh, due);
        else arrive(mesh, due);
      } else {
        mesh.heartbeatAt += HEARTBEAT_MS;
        for (const [one, other] of links(mesh)) compare(mesh, one, other, mesh.now - SETTLED_MS);
      }
    }
    mesh.now = now;
  }

  /** @type {(mesh: Mesh) => boolean} Nothing is on its way, and nobody lacks anything that a neighbour has. */
  function isQuiet(mesh) {
    return mesh.pending.length === 0 && links(mesh).every(([a, b]) => !isDifferent(mesh, a, b, mesh.now));
  }

  /** @type {(mesh: Mesh) => MeshEvent[]} What happened since the last call. */
  function takeEvents(mesh) {
    const { events } = mesh;
    mesh.events = [];
    return events;
  }

  /** @type {() => Mesh} Everybody is there, and nothing was said yet. */
  function create() {
    /** @type {Mesh} */
    const mesh = {
      now: 0,
      nodes: new Map(),
      overlay: new Set(LINKS),
      planned: new Set(LINKS),
      pending: [],
      sequence: 0,
      signedAt: [],
      heartbeatAt: HEARTBEAT_MS,
      events: [],
    };
    for (const id of RELAYS) {
      mesh.nodes.set(id, {
        ...{ kind: 'relay', id, isOn: true, carries: false },
        ...{
          has: new Set(),
          mailboxes: new Set(),
          roots: new Map(),
          served: new Set(),
          announcers: new Map(),
        },
      });
    }
    for (const [id, joined, knows] of LEAVES) {
      /** @type {Leaf} */
      const leaf = {
        ...{ kind: 'leaf', id, isOn: true, joined, knows, homes: [] },
        ...{ has: new Set(), own: new Map(), announcers: new Map() },
      };
      mesh.nodes.set(id, leaf);
      dialHomes(mesh, leaf);
    }
    return mesh;
  }

  globalThis.meshModel = { HOP_MS, create, send, toggle, advance, isQuiet, takeEvents };
})();
