/**
 * How large the messages of a WebSocket may be from now on. `ws` takes this limit when the socket is made, before anybody
 * knows which protocol the other side speaks; so its receiver, which is private, is told here. `ws` is pinned, and a test
 * shows that this still has its effect; where it had none, the smaller limit would stay.
 */
import type { WebSocket } from 'ws';
import { LIMITS } from '../core/limits.ts';
import { NET_LIMITS } from './net-limits.ts';

/** Fields of the receiver of `ws` 8. */
interface Receiver {
  _maxPayload: number;
  _maxBufferedChunks: number;
}

function isReceiver(value: unknown): value is Receiver {
  return (
    typeof value === 'object' && value !== null && '_maxPayload' in value && '_maxBufferedChunks' in value
  );
}

export function setPayloadMax(ws: WebSocket, bytes: number): void {
  const receiver: unknown = '_receiver' in ws ? ws._receiver : undefined;
  if (!isReceiver(receiver)) return;
  receiver._maxPayload = bytes;
  // Pieces grow with the frame; see `chunksMax`.
  receiver._maxBufferedChunks = Math.ceil((NET_LIMITS.chunksMax * bytes) / LIMITS.frameBytesMax);
}
