/**
 * How nodes of the picture find out what they lack: ids that are announced, and sets that are compared. Both end in a
 * fetch, and each side pulls for itself (docs/protocol/mesh.md, docs/protocol/catch-up.md).
 */
(() => {
  /** @typedef {import('./types.d.ts').Frame} Frame */
  /** @typedef {import('./types.d.ts').Mesh} Mesh */
  /** @typedef {import('./types.d.ts').MeshEvent} MeshEvent */
  /** @typedef {import('./types.d.ts').MeshNode} MeshNode */
  /** @typedef {import('./types.d.ts').Relay} Relay */
  /** @typedef {import('./types.d.ts').Want} Want */
  const { holds, isLinked, leaves, neighbours } = globalThis.meshMap;

  /** One hop. Real ones take milliseconds; so all times here are about a hundred times too long. */
  const HOP_MS = 900;
  /** How long an announced message may still come by itself. */
  const WAIT_MS = 2 * HOP_MS;
  /** Messages younger than this may still be on their way, and a heartbeat leaves them out. */
  const SETTLED_MS = 8 * HOP_MS;

  /** @type {(mesh: Mesh, id: string) => MeshNode} */
  function nodeOf(mesh, id) {
    const node = mesh.nodes.get(id);
    if (node === undefined) throw new Error(`there is no ${id} in the picture`);
    return node;
  }

  /** @type {(mesh: Mesh, event: MeshEvent) => void} */
  const tell = (mesh, event) => void mesh.events.push(event);

  /** @type {(mesh: Mesh, frame: Partial<Frame> & Pick<Frame, 'type' | 'from' | 'to' | 'messages'>) => void} */
  function transmit(mesh, frame) {
    mesh.sequence += 1;
    const { now, sequence } = mesh;
    mesh.pending.push({ root: null, why: null, ...frame, sequence, sent: now, at: now + HOP_MS });
  }

  /** @type {(mesh: Mesh, node: MeshNode, frame: Frame) => void} */
  function noteAnnounced(mesh, node, frame) {
    if (!holds(node)) return;
    for (const message of frame.messages) {
      if (node.has.has(message)) continue;
      const known = node.announcers.get(message);
      node.announcers.set(message, [...(known ?? []), frame.from]);
      if (known === undefined) wait(mesh, node.id, message, WAIT_MS);
    }
  }

  /** @type {(mesh: Mesh, node: string, message: number, waitMs: number) => void} */
  function wait(mesh, node, message, waitMs) {
    mesh.sequence += 1;
    mesh.pending.push({ type: 'want', node, message, sequence: mesh.sequence, at: mesh.now + waitMs });
  }

  /** @type {(mesh: Mesh, want: Want) => void} Asks one announcer; if no answer comes, the next one. */
  function askAnnouncer(mesh, { node: id, message }) {
    const node = nodeOf(mesh, id);
    const [from, ...others] = (node.announcers.get(message) ?? []).filter((one) => isLinked(mesh, id, one));
    if (!node.isOn || node.has.has(message) || from === undefined) {
      node.announcers.delete(message);
      return;
    }
    node.announcers.set(message, others);
    transmit(mesh, { type: 'fetch', from: id, to: from, messages: [message], why: 'announced' });
    wait(mesh, id, message, 3 * HOP_MS);
  }

  /** @type {(mesh: Mesh, node: MeshNode, frame: Frame) => void} */
  function answerFetch(mesh, node, { from, messages, why }) {
    const held = messages.filter((message) => node.has.has(message));
    if (held.length > 0) transmit(mesh, { type: 'fetched', from: node.id, to: from, messages: held, why });
  }

  /** @type {(mesh: Mesh, node: MeshNode, frame: Frame) => void} Pulls what the other side has and this one lacks. */
  function pullLacking(mesh, node, frame) {
    if (!holds(node)) return;
    const onTheWay = mesh.pending.flatMap((one) =>
      (one.type === 'fetch' && one.from === node.id) || (one.type === 'fetched' && one.to === node.id)
        ? one.messages
        : [],
    );
    const lacking = frame.messages.filter((one) => !node.has.has(one) && !onTheWay.includes(one));
    if (lacking.length === 0) return;
    const newestFirst = lacking.sort((a, b) => b - a);
    transmit(mesh, { type: 'fetch', from: node.id, to: frame.from, messages: newestFirst, why: 'catch-up' });
  }

  /** @type {(mesh: Mesh, one: string, other: string, before: number) => boolean} Shared, and not the same on both sides. */
  function isDifferent(mesh, one, other, before) {
    const [a, b] = [nodeOf(mesh, one), nodeOf(mesh, other)];
    if (!holds(a) || !holds(b)) return false;
    const counts = (/** @type {number} */ message) => (mesh.signedAt[message - 1] ?? 0) <= before;
    return [...a.has.symmetricDifference(b.has)].some(counts);
  }

  /** @type {(mesh: Mesh, one: string, other: string, before: number) => void} */
  function compare(mesh, one, other, before) {
    if (!isDifferent(mesh, one, other, before)) return;
    for (const [from, to] of /** @type {[string, string][]} */ ([
      [one, other],
      [other, one],
    ])) {
      transmit(mesh, { type: 'compare', from, to, messages: [...nodeOf(mesh, from).has] });
    }
  }

  /** @type {(mesh: Mesh) => [string, string][]} */
  function links(mesh) {
    const overlay = [...mesh.overlay].map((key) => /** @type {[string, string]} */ (key.split(' ')));
    const hanging = leaves(mesh).flatMap(({ id, homes }) =>
      homes.map((home) => /** @type {[string, string]} */ ([id, home])),
    );
    return [...overlay, ...hanging];
  }

  /** @type {(mesh: Mesh, relay: Relay, change: () => void) => void} A channel that has just become shared is compared. */
  function startHolding(mesh, relay, change) {
    const before = holds(relay);
    change();
    if (before) return;
    for (const id of neighbours(mesh, relay.id)) compare(mesh, relay.id, id, mesh.now - SETTLED_MS);
  }

  globalThis.meshCatchUp = {
    ...{ HOP_MS, SETTLED_MS, nodeOf, tell, transmit, links, isDifferent, compare, startHolding },
    ...{ noteAnnounced, askAnnouncer, answerFetch, pullLacking },
  };
})();
