/** What happens in the picture, in words: for the lines beside it, and for those who do not see it. */
(() => {
  /** @typedef {import('./types.d.ts').Mesh} Mesh */
  /** @typedef {import('./types.d.ts').MeshEvent} MeshEvent */
  /** @typedef {import('./types.d.ts').MeshNode} MeshNode */

  /** @type {(words: readonly string[]) => string} `a`, `a and b`, `a, b and c` */
  function list(words) {
    return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
  }

  /** @type {(numbers: readonly number[]) => string} */
  const messages = (numbers) =>
    `${numbers.length === 1 ? 'message' : 'messages'} ${list(numbers.map(String))}`;

  /** @type {(children: readonly string[]) => string} */
  const copies = (children) =>
    children.length === 0 ? 'No other relay has to get it' : `Copies go to ${list(children)}`;

  const ARRIVED = {
    pushed: 'pushed by',
    announced: 'fetched, because it was announced by',
    'catch-up': 'fetched after a comparison with',
  };

  /** @type {(event: MeshEvent) => string} */
  function event(event) {
    switch (event.type) {
      case 'signed':
        if (event.relay === null)
          return `${event.leaf} signs message ${event.message}. No relay is there: it stays queued on its disk.`;
        return `${event.leaf} signs message ${event.message} and pushes it to its live relay, ${event.relay}.`;
      case 'rooted':
        return `${event.relay} is the root of message ${event.message}. ${copies(event.children)}, along its tree.`;
      case 'passed':
        return `${event.relay} passes message ${event.message} on to ${list(event.children) || 'nobody'} and does not keep it.`;
      case 'stored':
        return `${event.relay} has message ${event.message} on its disk: ${event.leaf} may go offline now.`;
      case 'kept':
        return `${event.leaf} is away. ${event.relay} keeps message ${event.message} in the mailbox.`;
      case 'arrived':
        return `${event.leaf} has message ${event.message}, ${ARRIVED[event.how]} ${event.relay}.`;
      case 'lost':
        return `A copy of message ${event.message} was lost on its way from ${event.from} to ${event.to}.`;
      case 'off':
        return `${event.relay} is off. The others compute their trees anew.`;
      case 'on':
        return `${event.relay} is on again, with what is on its disk.`;
      case 'away':
        if (event.relays.length === 0) return `${event.leaf} goes away.`;
        return `${event.leaf} goes away. ${list(event.relays)} keep its mail.`;
      case 'back':
        if (event.relay === null) return `${event.leaf} is back, and finds no relay.`;
        return `${event.leaf} is back and hangs on ${event.relay}.`;
      case 'moved': {
        if (event.relay === null) return `${event.leaf} has no relay left.`;
        const again = event.again.length === 0 ? '' : `, and gets ${messages(event.again)} from it`;
        return `${event.relay} is the live relay of ${event.leaf} now${again}.`;
      }
    }
  }

  /** @type {(mesh: Mesh, node: MeshNode) => string} How a node stands. */
  function state(mesh, node) {
    const has = [...node.has].sort((a, b) => a - b);
    const disk = has.length === 0 ? 'no message' : messages(has);
    if (node.kind === 'relay') {
      if (!node.isOn) return `Off. On its disk: ${disk}.`;
      const away = [...node.mailboxes].filter((id) => mesh.nodes.get(id)?.isOn === false);
      const mail = away.length === 0 ? '' : ` Mailbox for ${list(away)}.`;
      return globalThis.meshMap.holds(node)
        ? `Holds #dev: ${disk}.${mail}`
        : 'Nobody here wants #dev: passes it on only.';
    }
    const role = node.joined ? 'In #dev' : 'Not in #dev';
    const own = [...node.own].map(([message, how]) => `${message} ${how}`);
    const sent = own.length === 0 ? '' : ` Sent: ${list(own)}.`;
    const [live, ...standby] = node.homes;
    if (!node.isOn) return `Away. ${role}. Has ${disk}.${sent}`;
    const links = live === undefined ? 'no relay' : `live ${live}, standby ${list(standby) || 'none'}`;
    return `${role}: ${links}. Has ${disk}.${sent}`;
  }

  /** @type {(node: MeshNode) => [string, string]} What a press does, as words before and after the name of the node. */
  function press(node) {
    if (node.kind === 'relay') return ['Switch ', node.isOn ? ' off' : ' on'];
    return node.isOn ? ['Send a message from ', ''] : ['Bring ', ' back'];
  }

  globalThis.meshWords = { event, state, press };
})();
