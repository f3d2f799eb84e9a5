/**
 * Whose folder it is. The owner of a folder can put links and other files in the place of those that were just looked at,
 * while they are removed; root would then remove what the owner may not. So root leaves it to the owner.
 */
import fs from 'node:fs';
import { UsageError } from '../exit.ts';
import type { Machine } from '../service/plan.ts';
import { shellWord } from '../text.ts';

/** The name of a user, or `#1234`, which sudo takes too. */
function userName(uid: number, usersFile: string): string {
  const users = fs.existsSync(usersFile) ? fs.readFileSync(usersFile, 'utf8').split('\n') : [];
  const found = users.map((line) => line.split(':')).find((fields) => fields[2] === String(uid));
  return found?.[0] ?? `#${uid}`;
}

/** Throws {@link UsageError} for root if the folder belongs to somebody else. A folder that is not there is nobody's. */
export function assertOwner(
  dataFolder: string,
  { uid, usersFile }: Pick<Machine, 'uid' | 'usersFile'>,
): void {
  if (uid !== 0) return;
  const owner = fs.statSync(dataFolder, { throwIfNoEntry: false })?.uid ?? 0;
  if (owner === 0) return;
  const name = userName(owner, usersFile);
  throw new UsageError(
    `${dataFolder} belongs to the user ${name}, and root removes nothing in the folder of somebody else. First the service of the machine, if there is one: sudo mesh service remove --system. Then the data: sudo -u ${shellWord(name)} mesh uninstall --data ${shellWord(dataFolder)}`,
  );
}
