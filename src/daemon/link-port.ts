/**
 * Joins the runner with the sockets of `net/`: effects become calls, and the private halves of the links' ephemeral
 * keys stay here, outside core and net.
 *
 * The core asks for key agreement only once a peer has proven its id, so that is the moment at which a link stops to
 * count as an unfinished handshake.
 */
import type { Bytes } from '../core/bytes.ts';
import type { Agreement, LinkId, Scope } from '../core/contract.ts';
import { createEphemeral, type Ephemeral, type Opener } from '../crypto/index.ts';
import { createLinkNet, type LinkEvent, type LinkNet } from '../net/index.ts';
import type { LinkPort } from './runner.ts';
import type { Taps } from './tap/taps.ts';

export interface Sockets {
  readonly net: LinkNet;
  readonly port: LinkPort;
}

export interface SocketsOptions {
  /** the runner's `submit` */
  readonly onEvent: (event: LinkEvent) => void;
  /** what `/bootstrap.json` on the public port answers an asker that is so close */
  readonly bootstrapDocument: (asker: Scope) => object;
  /** proxies of the operator in front of the public port */
  readonly trustProxy: number;
  /** hear what passes while somebody looks */
  readonly taps: Taps;
}

/** The frames in records that came before the keys. */
function openEarly(records: readonly Bytes[], open: Opener | undefined): Agreement {
  const early: Bytes[] = [];
  for (const record of records) {
    const frames = open?.(record);
    if (frames === undefined) return { ok: false, code: 'record_damaged', detail: '' };
    early.push(...frames);
  }
  return { ok: true, early };
}

export function createSockets({ onEvent, bootstrapDocument, trustProxy, taps }: SocketsOptions): Sockets {
  const ephemerals = new Map<LinkId, Ephemeral>();
  const net = createLinkNet({
    bootstrapDocument,
    trustProxy,
    createEphemeral: (link) => {
      const ephemeral = createEphemeral();
      ephemerals.set(link, ephemeral);
      return ephemeral.publicKey;
    },
    onEvent: (event) => {
      if (event.kind === 'link-closed') ephemerals.delete(event.link);
      if (taps.isOpen) taps.received(event);
      onEvent(event);
    },
  });
  const port: LinkPort = {
    dial: (url, scope) => net.dial(url, scope),
    sendText: (link, text, notify) => {
      if (taps.isOpen) taps.sentText(link, text);
      net.sendText(link, text, notify);
    },
    mesh1: (link, textBytesMax) => {
      ephemerals.delete(link);
      net.mesh1(link, textBytesMax);
    },
    send: (effect) => {
      if (taps.isOpen) taps.sent(effect);
      const { links, frame, droppable, notify } = effect;
      net.send(links, frame, { droppable, notify });
    },
    close: (link, code, detail) => {
      if (taps.isOpen) taps.closing(link, code, detail);
      net.close(link, code, detail);
    },
    pause: (link, delayMs) => net.pause(link, delayMs),
    agree: ({ link, publicKey, transcript, isSealed, early }) => {
      const keys = ephemerals.get(link)?.agree(publicKey, transcript);
      ephemerals.delete(link); // used once: forward secrecy begins here
      if (keys === undefined) return { ok: false, code: 'unauthorized', detail: 'no session keys' };
      net.markUp(link);
      return isSealed ? openEarly(early, net.seal(link, keys)) : { ok: true, early };
    },
  };
  return { net, port };
}
