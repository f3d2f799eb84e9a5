/**
 * The bootstrap list: a JSON document that names peers to dial first. Its schema is that of mesh/1, described in
 * docs/reference/bootstrap.md. A list is a set of hints by a stranger: the frame of the document must be right, single
 * entries that are not are dropped and counted, so that one bad line does not cut everybody off.
 */
import { z } from 'zod';
import { idFromText, textOf } from '../core/bytes.ts';
import type { Scope } from '../core/contract.ts';
import { LIMITS } from '../core/limits.ts';
import { hintProblem, parsePeerUrl } from './address.ts';

/** Unknown fields are ignored everywhere: newer lists must stay readable. */
const documentSchema = z.object({
  version: z.literal(1),
  peers: z.array(z.unknown()),
  updated_at: z.string().max(64).optional(),
});

const peerSchema = z.object({
  /** mesh/1 peers without a key call themselves `peer-xxxxxxxx` */
  peer_id: z.string().min(1).max(128),
  ws_url: z.string().min(1).max(LIMITS.urlBytesMax),
  capabilities: z.object({ relay: z.boolean().optional(), store: z.boolean().optional() }).optional(),
});

export interface BootstrapAddress {
  /** canonical, see `canonicalPeerUrl` */
  readonly url: string;
  /** the peer's id text (43 characters), or '' if the list gives none that is a key */
  readonly peer: string;
}

export type ParsedBootstrap =
  | {
      readonly ok: true;
      readonly addresses: readonly BootstrapAddress[];
      /** entries not used: malformed, refused, named twice, or beyond `LIMITS.bootstrapPeersMax` */
      readonly dropped: number;
    }
  /** `detail` names the place in the document and what is wrong with it */
  | { readonly ok: false; readonly detail: string };

function readAddress(entry: unknown, scope: Scope): BootstrapAddress | undefined {
  const peer = peerSchema.safeParse(entry);
  if (!peer.success) return undefined;
  const parsed = parsePeerUrl(peer.data.ws_url);
  if (!parsed.ok || hintProblem(parsed.address, scope) !== undefined) return undefined;
  const id = peer.data.peer_id;
  return { url: parsed.address.url, peer: idFromText(id) === undefined ? '' : id };
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined; // the parser's message quotes the document, which is a stranger's text
  }
}

function explain(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'does not fit the schema';
  const place = issue.path.length === 0 ? 'the document' : `"${issue.path.join('.')}"`;
  return `${place}: ${issue.message}`;
}

/**
 * Reads a bootstrap list.
 * @param bytes the document, UTF-8, with or without byte-order mark; the caller bounds its length
 * @param scope how public the place is that it comes from; less public addresses in it are dropped
 */
export function parseBootstrap(bytes: Uint8Array, scope: Scope): ParsedBootstrap {
  const text = textOf(bytes);
  if (text === undefined) return { ok: false, detail: 'the document is not UTF-8' };
  const json = parseJson(text.replace(/^\ufeff/, ''));
  if (json === undefined) return { ok: false, detail: 'the document is not JSON' };
  const document = documentSchema.safeParse(json.value);
  if (!document.success) return { ok: false, detail: explain(document.error) };
  const { peers } = document.data;
  const byUrl = new Map<string, BootstrapAddress>();
  for (const entry of peers.slice(0, LIMITS.bootstrapPeersMax)) {
    const address = readAddress(entry, scope);
    if (address !== undefined && !byUrl.has(address.url)) byUrl.set(address.url, address);
  }
  return { ok: true, addresses: [...byUrl.values()], dropped: peers.length - byUrl.size };
}
