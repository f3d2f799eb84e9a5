import { describe, expect, it } from 'vitest';
import { agentText } from './launchd.ts';
import { deployedUnit, ownedFolder, ownHeader, type UnitFacts, unitObstacle, unitText } from './unit.ts';

const facts = (more: Partial<UnitFacts> = {}): UnitFacts => ({
  header: ownHeader('/data'),
  scope: 'user',
  program: ['/usr/bin/node', '/opt/mesh/bin/mesh.mjs'],
  dataFolder: '/data',
  environmentFile: '/etc/x.env',
  ...more,
});
const line = (text: string, name: string): string =>
  text
    .split('\n')
    .find((one) => one.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? '';
/** All of the ASCII that systemd takes in a path, and some that it does not mind. */
const NASTY = '/da ta/%h $x ${y} "q" \\ \'é;#/x';

describe('the unit', () => {
  it('runs the daemon of its folder with absolute paths', () => {
    const text = unitText(facts());
    expect(line(text, 'ExecStart')).toBe('/usr/bin/node /opt/mesh/bin/mesh.mjs start --data /data');
    expect(line(text, 'WorkingDirectory')).toBe('-/data');
    expect(line(text, 'EnvironmentFile')).toBe('-/etc/x.env');
    expect(line(text, 'WantedBy')).toBe('default.target');
    expect(text).not.toContain('User=');
  });

  it('quotes what systemd would read otherwise', () => {
    const text = unitText(facts({ dataFolder: NASTY, environmentFile: NASTY }));
    expect(line(text, 'ExecStart')).toBe(
      ':/usr/bin/node /opt/mesh/bin/mesh.mjs start --data "/da ta/%%h $x ${y} \\"q\\" \\\\ \'é;#/x"',
    );
    expect(line(text, 'EnvironmentFile')).toBe(`-${NASTY.replace('%', '%%')}`);
  });

  it.each([
    [{ dataFolder: '/a\nUser=root' }, 'control character'],
    [{ dataFolder: '/a\\' }, 'at its end'],
    [{ environmentFile: '/a ' }, 'at its end'],
    [{ program: ['/a"b/node'] as const }, 'quotes'],
  ])('is refused for %j', (more, why) => {
    expect(unitObstacle(facts(more))).toContain(why);
  });

  it('is not refused for a strange path', () => {
    expect(unitObstacle(facts({ dataFolder: NASTY }))).toBe('');
  });

  it('differs for the machine by its account, its folder and what is closed off', () => {
    const [user, system] = [unitText(facts()), unitText(facts({ scope: 'system' }))].map((text) =>
      text.split('\n'),
    );
    const added = (system ?? []).filter((one) => !user?.includes(one) && !/^(?:#|$)/.test(one));
    expect(added).toEqual(expect.arrayContaining(['User=mesh', 'ProtectHome=yes', 'StateDirectory=mesh']));
    expect(user?.filter((one) => !system?.includes(one))).toEqual(['WantedBy=default.target']);
  });

  it('tells whose it is', () => {
    expect(ownedFolder(unitText(facts({ header: ownHeader(NASTY) })))).toBe(NASTY);
    expect(ownedFolder(deployedUnit())).toBeUndefined();
    expect(
      ownedFolder('[Service]\nExecStart=/x "Written by "mesh service install" for the data folder "/y";'),
    ).toBeUndefined();
    expect(ownedFolder('')).toBeUndefined();
  });
});

describe('the agent of launchd', () => {
  it('is XML whatever the path, and tells whose it is', () => {
    const folder = '/a--b/<&>"$/--->';
    const text = agentText({
      header: ownHeader(folder),
      program: ['/node', '/mesh.mjs'],
      dataFolder: folder,
    });
    expect(text).toContain('<string>/a--b/&lt;&amp;&gt;"$/---&gt;</string>');
    expect(/<!-- (.*) -->/.exec(text)?.[1]).not.toContain('--');
    expect(ownedFolder(text)).toBe(folder);
  });
});
