/** A socket in the group of multicast DNS on one interface, or a sentence on why there is none. */
import dgram from 'node:dgram';
import type { LocalInterface } from './interfaces.ts';
import { MDNS_GROUP, MDNS_PORT, type PacketSocket } from './packet-door.ts';

/** What a failure means and what helps, by the system's code. */
const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
  [
    /^EADDRINUSE/,
    `another program holds UDP port ${MDNS_PORT} for itself alone: stop it or let it share the port`,
  ],
  [/^(?:EACCES|EPERM)/, 'a firewall or a sandbox forbids it: allow multicast DNS, UDP port 5353'],
  [
    /^(?:ENODEV|ENOPROTOOPT|EADDRNOTAVAIL|EINVAL|EOPNOTSUPP|ENOSYS)/,
    'the interface takes no part in multicast, or has just gone',
  ],
  [/^(?:ENETUNREACH|EHOSTUNREACH|ENETDOWN)/, 'no way leads into this network: check its connection'],
  [/^(?:EMFILE|ENFILE)/, 'there are too many open files'],
];

/** A failure of local discovery with what to do. @param detail begins with the system's code where there is one */
export function explainLocalFailure({ name, address }: LocalInterface, detail: string): string {
  const advice = ADVICE.find(([code]) => code.test(detail))?.[1];
  const hint = `${advice ?? 'see what the system says'}, or set MESH_LOCAL_DISCOVERY=off`;
  return `multicast DNS does not work on ${name} (${address}): ${detail}; ${hint}`;
}

/** Opens a socket for one interface. Tests bring their own. @throws whatever the system says */
export type OpenPacketSocket = (at: LocalInterface) => Promise<PacketSocket>;

/** The system's own. Bound to no address: a socket bound to the interface's would not hear the group. */
export const openPacketSocket: OpenPacketSocket = async ({ address }) => {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(MDNS_PORT, '0.0.0.0', () => {
        socket.removeListener('error', reject);
        resolve();
      });
    });
    socket.addMembership(MDNS_GROUP, address);
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(255); // RFC 6762 section 11; what left the network would be worth less
    socket.setMulticastLoopback(true); // two daemons on one machine
    return socket;
  } catch (error) {
    socket.once('error', () => undefined);
    socket.close();
    throw error;
  }
};
