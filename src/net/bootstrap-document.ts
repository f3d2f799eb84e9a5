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
  version: z.literal(1).describe('the version of this format'),
  peers: z.array(z.unknown()),
  updated_at: z.string().max(64).optional().describe('when the list was changed, usually ISO 8601; not used'),
});

const peerSchema = z.object({
  /** mesh/1 peers without a key call themselves `peer-xxxxxxxx` */
  peer_id: z
    .string()
    .min(1)
    .max(128)
    .describe('the id of the peer: its Ed25519 public key as 43 characters of base64url'),
  ws_url: z
    .string()
    .min(1)
    .max(LIMITS.urlBytesMax)
    .describe('where to dial it: a ws:// or wss:// URL without user name, password and #'),
  capabilities: z
    .object({ relay: z.boolean().optional(), store: z.boolean().optional() })
    .optional()
    .describe('what the peer says it does; checked and not used'),
});

/**
 * The shape of a list without a mistake, made of the very schemas that read one. Reading is more lenient: it drops wrong
 * entries. The schema is necessary, not sufficient: `readBootstrapEntry` also looks at addresses.
 */
export const bootstrapListSchema = documentSchema.extend({
  peers: z.array(peerSchema).max(LIMITS.bootstrapPeersMax).describe('peers to dial first'),
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

/** `what` names the field and what is wrong with it. */
export type ReadEntry =
  | { readonly ok: true; readonly address: BootstrapAddress }
  | { readonly ok: false; readonly what: string };

/**
 * Reads one entry of `peers`.
 * @param scope how public the place is that the list comes from
 */
export function readBootstrapEntry(entry: unknown, scope: Scope): ReadEntry {
  const peer = peerSchema.safeParse(entry);
  if (!peer.success) return { ok: false, what: explain(peer.error, 'the entry') };
  const parsed = parsePeerUrl(peer.data.ws_url);
  if (!parsed.ok) return { ok: false, what: `"ws_url" ${parsed.detail}` };
  const problem = hintProblem(parsed.address, scope);
  if (problem !== undefined) return { ok: false, what: `"ws_url": ${problem}` };
  const id = peer.data.peer_id;
  return { ok: true, address: { url: parsed.address.url, peer: idFromText(id) === undefined ? '' : id } };
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined; // the parser's message quotes the document, which is a stranger's text
  }
}

function explain(error: z.ZodError, whole: string): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'does not fit the schema';
  const place = issue.path.length === 0 ? whole : `"${issue.path.join('.')}"`;
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
  if (!document.success) return { ok: false, detail: explain(document.error, 'the document') };
  const { peers } = document.data;
  const byUrl = new Map<string, BootstrapAddress>();
  for (const entry of peers.slice(0, LIMITS.bootstrapPeersMax)) {
    const read = readBootstrapEntry(entry, scope);
    if (read.ok && !byUrl.has(read.address.url)) byUrl.set(read.address.url, read.address);
  }
  return { ok: true, addresses: [...byUrl.values()], dropped: peers.length - byUrl.size };
}
