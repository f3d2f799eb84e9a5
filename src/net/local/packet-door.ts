/**
 * The socket of local discovery, with a door in front of the library that reads its packets: what could cost much is
 * turned away before it is parsed, and no mistake in a packet, a listener or the network gets out as an exception.
 *
 * 1. Read are only packets from the interface's own network, small, with few questions and records, that contain a name
 *    of interest, and at most so many a second. An answer counts only if it comes from the port of multicast DNS (RFC
 *    6762 section 6).
 * 2. Sent is only to the group, at most so many packets a second: one packet with a thousand questions costs no
 *    thousand answers.
 * 3. Whoever sends is told that it went well, whatever happened: failures are told to `onTrouble`, once each.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { describeError } from '../guard.ts';
import { NET_LIMITS } from '../net-limits.ts';
import { Bucket } from './bucket.ts';
import { isOnLink, type LocalInterface } from './interfaces.ts';

/** Group and port of multicast DNS over IPv4 (RFC 6762 section 3). */
export const MDNS_GROUP = '224.0.0.251';
export const MDNS_PORT = 5353;
/** Bit of the second header byte that tells an answer from a question (RFC 1035 section 4.1.1). */
const IS_ANSWER = 0x80;
const HEADER_BYTES = 12;

/** What the door uses of a bound socket. */
export type PacketSocket = Pick<Socket, 'send' | 'close' | 'on'>;

export interface PacketDoorOptions {
  readonly socket: PacketSocket;
  readonly at: LocalInterface;
  /** packets without any of these texts are not for us; upper and lower case are the same */
  readonly names: readonly string[];
  readonly monotonicMs: () => number;
  /** why packets cannot be sent, in words; '' once they can again */
  readonly onTrouble: (detail: string) => void;
  /** the socket is of no use any more */
  readonly onBroken: (detail: string) => void;
}

/** What it is a packet of, as its header says, without parsing the rest. */
function isModest(packet: Buffer): boolean {
  if (packet.length < HEADER_BYTES || packet.length > NET_LIMITS.localPacketBytesMax) return false;
  const records = packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10);
  return packet.readUInt16BE(4) <= NET_LIMITS.localQuestionsMax && records <= NET_LIMITS.localRecordsMax;
}

/** Stands in for a `dgram.Socket` where `multicast-dns` takes one. */
export class PacketDoor extends EventEmitter {
  readonly #options: PacketDoorOptions;
  readonly #reads: Bucket;
  readonly #sends: Bucket;
  readonly #names: readonly string[];
  #state: 'shut' | 'open' | 'leaving' | 'closed' = 'shut';
  #trouble = '';

  constructor(options: PacketDoorOptions) {
    super();
    this.#options = options;
    this.#names = options.names.map((name) => name.toLowerCase());
    const { monotonicMs, socket } = options;
    const { localPacketsPerSecond, localPacketsBurst, localSendsPerSecond, localSendsBurst } = NET_LIMITS;
    this.#reads = new Bucket({ perSecond: localPacketsPerSecond, burst: localPacketsBurst, monotonicMs });
    this.#sends = new Bucket({ perSecond: localSendsPerSecond, burst: localSendsBurst, monotonicMs });
    socket.on('message', (packet, from) => this.#receive(packet, from));
    socket.on('error', (error) => {
      if (this.#state !== 'closed') options.onBroken(describeError(error));
    });
  }

  /** Packets come in from now on. */
  open(): void {
    if (this.#state === 'shut') this.#state = 'open';
  }

  /** Nothing comes in any more, and what goes out is a farewell, which the budget does not hold back. */
  leave(): void {
    if (this.#state !== 'closed') this.#state = 'leaving';
  }

  #isForUs(packet: Buffer, { address, port }: RemoteInfo): boolean {
    if (!isModest(packet) || !isOnLink(this.#options.at, address)) return false;
    if (((packet[2] as number) & IS_ANSWER) !== 0 && port !== MDNS_PORT) return false;
    const text = packet.toString('latin1').toLowerCase();
    return this.#names.some((name) => text.includes(name));
  }

  #receive(packet: Buffer, from: RemoteInfo): void {
    if (this.#state !== 'open' || !this.#isForUs(packet, from) || !this.#reads.take()) return;
    try {
      this.emit('message', packet, from);
    } catch {
      // A packet that the library stumbles over is a wrong packet; it has told nobody and is dropped.
    }
  }

  #sent(error: unknown): void {
    const detail = error === null || error === undefined ? '' : describeError(error);
    if (detail === this.#trouble || this.#state === 'closed') return;
    this.#trouble = detail;
    this.#options.onTrouble(detail);
  }

  // From here on what `multicast-dns` calls. The socket is bound already and a member of the group.

  bind(_port: number, _address: string | undefined, done: () => void): void {
    queueMicrotask(() => {
      this.emit('listening');
      done();
    });
  }

  send(
    packet: Buffer,
    offset: number,
    length: number,
    _port: number,
    _to: string,
    done: () => void = () => undefined,
  ): void {
    const isFree = this.#state === 'leaving' || (this.#state !== 'closed' && this.#sends.take());
    if (!isFree) return queueMicrotask(done);
    const sent = (error: unknown): void => {
      this.#sent(error);
      done();
    };
    try {
      this.#options.socket.send(packet, offset, length, MDNS_PORT, MDNS_GROUP, sent);
    } catch (error) {
      queueMicrotask(() => sent(error));
    }
  }

  close(done: () => void = () => undefined): void {
    this.#state = 'closed';
    try {
      this.#options.socket.close(done);
    } catch {
      done(); // it is closed already
    }
  }
}
