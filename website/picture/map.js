/**
 * The map of the picture: which relays are linked, the tree of a root, and who is interested.
 *
 * As docs/protocol/mesh.md has it: an edge counts if both ends are there; the tree of a root is the breadth-first tree;
 * among several neighbours one step nearer to the root, the parent is the one with the smallest id. All relays compute
 * the same tree, and nothing is learnt from traffic.
 */
(() => {
  /** @typedef {import('./types.d.ts').Leaf} Leaf */
  /** @typedef {import('./types.d.ts').Mesh} Mesh */
  /** @typedef {import('./types.d.ts').MeshNode} MeshNode */
  /** @typedef {import('./types.d.ts').Relay} Relay */

  /** @type {(a: string, b: string) => string} */
  const linkKey = (a, b) => (a < b ? `${a} ${b}` : `${b} ${a}`);

  /** @type {(mesh: Mesh) => Relay[]} */
  const relays = (mesh) => [...mesh.nodes.values()].filter((node) => node.kind === 'relay');

  /** @type {(mesh: Mesh) => Leaf[]} */
  const leaves = (mesh) => [...mesh.nodes.values()].filter((node) => node.kind === 'leaf');

  /** @type {(mesh: Mesh, relay: string) => string[]} In order of ids. */
  function neighbours(mesh, relay) {
    const all = relays(mesh).filter(({ id }) => id !== relay && mesh.overlay.has(linkKey(relay, id)));
    return all.map(({ id }) => id).sort();
  }

  /** @type {(mesh: Mesh, root: string) => Map<string, string>} */
  function tree(mesh, root) {
    /** @type {Map<string, string>} */
    const parents = new Map();
    let level = [root];
    const reached = new Set(level);
    while (level.length > 0) {
      /** @type {string[]} */
      const next = [];
      // The smallest id of this level comes first, so it takes the children that others could have had.
      for (const parent of level.sort()) {
        for (const child of neighbours(mesh, parent)) {
          if (reached.has(child)) continue;
          reached.add(child);
          parents.set(child, parent);
          next.push(child);
        }
      }
      level = next;
    }
    return parents;
  }

  /** @type {(node: MeshNode) => boolean} Whether it stores the channel and answers for it. */
  function holds(node) {
    if (node.kind === 'leaf') return node.joined;
    return node.carries || node.mailboxes.size > 0;
  }

  /** @type {(mesh: Mesh, relay: string, root: string) => string[]} */
  function wantedChildren(mesh, relay, root) {
    const parents = tree(mesh, root);
    const wanted = new Set();
    for (const one of relays(mesh)) {
      if (!one.isOn || !holds(one)) continue;
      for (let at = parents.has(one.id) ? one.id : undefined; at !== undefined; at = parents.get(at)) {
        if (parents.get(at) === relay) wanted.add(at);
      }
    }
    return [...wanted].sort();
  }

  /** @type {(mesh: Mesh, relay: string) => Leaf[]} */
  const leavesOf = (mesh, relay) => leaves(mesh).filter((leaf) => leaf.homes.includes(relay));

  /** @type {(mesh: Mesh, a: string, b: string) => boolean} */
  function isLinked(mesh, a, b) {
    const [one, other] = [mesh.nodes.get(a), mesh.nodes.get(b)];
    if (one?.kind === 'leaf') return one.homes.includes(b);
    if (other?.kind === 'leaf') return other.homes.includes(a);
    return mesh.overlay.has(linkKey(a, b));
  }

  globalThis.meshMap = {
    linkKey,
    neighbours,
    tree,
    holds,
    isLinked,
    wantedChildren,
    leavesOf,
    relays,
    leaves,
  };
})();
