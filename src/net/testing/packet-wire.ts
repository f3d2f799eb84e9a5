/** A local network in memory: what one socket sends, all of the same network hear, the sender as well. */
import type { RemoteInfo } from 'node:dgram';
import { EventEmitter } from 'node:events';
import type { LocalInterface } from '../local/interfaces.ts';
import type { PacketSocket } from '../local/packet-door.ts';

type Sent = (error: Error | null) => void;

export class WireSocket extends EventEmitter {
  readonly #wire: PacketWire;
  readonly address: string;
  /** what the system says to whoever sends */
  failure: Error | undefined;
  isClosed = false;

  constructor(wire: PacketWire, address: string) {
    super();
    this.#wire = wire;
    this.address = address;
  }

  send(packet: Buffer, _offset: number, _length: number, port: number, to: string, sent: Sent): void {
    if (this.isClosed)
      throw Object.assign(new Error('Not running'), { code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' });
    if (this.failure === undefined) this.#wire.carry(Buffer.from(packet), `${to}:${port}`, this.address);
    setImmediate(sent, this.failure ?? null);
  }

  close(done?: () => void): void {
    this.isClosed = true;
    if (done !== undefined) setImmediate(done);
  }
}

export class PacketWire {
  readonly sockets: WireSocket[] = [];
  /** what was sent so far */
  readonly packets: { readonly packet: Buffer; readonly to: string; readonly from: string }[] = [];

  open = async ({ address }: Pick<LocalInterface, 'address'>): Promise<PacketSocket & WireSocket> => {
    const socket = new WireSocket(this, address);
    this.sockets.push(socket);
    return socket as unknown as PacketSocket & WireSocket; // the few calls that the door makes
  };

  carry(packet: Buffer, to: string, from: string): void {
    this.packets.push({ packet, to, from });
    this.say(packet, { address: from });
  }

  /** Somebody sends a packet to the group. */
  say(packet: Buffer, from: Partial<RemoteInfo>): void {
    const info = { address: '192.168.1.66', family: 'IPv4', port: 5353, size: packet.length, ...from };
    for (const socket of this.sockets)
      if (!socket.isClosed) setImmediate(() => socket.emit('message', Buffer.from(packet), info));
  }
}

const TYPES = { A: 1, PTR: 12, TXT: 16, SRV: 33, ANY: 255 } as const;

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

export interface RawRecord {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly data: Buffer;
}

function u16(...numbers: number[]): Buffer {
  const out = Buffer.alloc(numbers.length * 2);
  numbers.forEach((n, i) => {
    out.writeUInt16BE(n, i * 2);
  });
  return out;
}

/** A question as bytes (RFC 1035 section 4), once or many times. */
export function questionPacket(name: string, type: keyof typeof TYPES, times = 1): Buffer {
  const question = Buffer.concat([nameBytes(name), u16(TYPES[type], 1)]);
  return Buffer.concat([u16(0, 0, times, 0, 0, 0), ...Array.from({ length: times }, () => question)]);
}

/** An answer as bytes. */
export function answerPacket(records: readonly RawRecord[]): Buffer {
  const bytes = records.map(({ name, type, data }) =>
    Buffer.concat([nameBytes(name), u16(TYPES[type], 1, 0, 120, data.length), data]),
  );
  return Buffer.concat([u16(0, 0x8400, 0, records.length, 0, 0), ...bytes]);
}

export interface RawService {
  readonly name: string;
  readonly port: number;
  readonly text: readonly string[];
}

const TYPE_NAME = '_openclaw-mesh._tcp.local';

/** Pointer, port and text of a service as bytes. */
export function servicePacket({ name, port, text }: RawService): Buffer {
  const full = `${name}.${TYPE_NAME}`;
  const strings = text.map((part) => Buffer.concat([Buffer.of(part.length), Buffer.from(part)]));
  return answerPacket([
    { name: TYPE_NAME, type: 'PTR', data: nameBytes(full) },
    { name: full, type: 'SRV', data: Buffer.concat([u16(0, 0, port), nameBytes('h.local')]) },
    { name: full, type: 'TXT', data: Buffer.concat(strings) },
  ]);
}
