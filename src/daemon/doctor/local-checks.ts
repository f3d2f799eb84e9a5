/** Check of local discovery: whether a running daemon is announced on the local network, and if not, why. */
import { localDiscoveryText } from '../local-discovery.ts';
import { type Finding, ok, skipped, warn } from './finding.ts';
import { type Subject, statusOf } from './subject.ts';

export function checkLocalNetwork(subject: Subject): Finding {
  const local = statusOf(subject)?.localDiscovery;
  if (local === undefined)
    return skipped('local-network', 'Only a running daemon looks for peers on the local network.');
  const words = `Local discovery is ${localDiscoveryText(local)}.`;
  if (local.state === 'failed')
    return warn(
      'local-network',
      `Local discovery has ${localDiscoveryText(local)}.`,
      'Do what it says; the daemon tries again by itself within a minute.',
    );
  if (local.reason !== '' && local.state === 'on')
    return warn('local-network', words, 'Mend the interface that is named, or leave it: the others work.');
  const way =
    local.state === 'off' && local.mode === 'auto' ? ' MESH_LOCAL_DISCOVERY=on switches it on.' : '';
  return ok('local-network', words + way);
}
