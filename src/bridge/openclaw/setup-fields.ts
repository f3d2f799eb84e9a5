/**
 * What `openclaw channels add --channel mesh` asks for. OpenClaw reads the same from the package's own
 * `package.json` before it runs any code; a test keeps the two equal.
 */
export const SETUP_FIELDS = {
  dataFolder: {
    kind: 'string',
    cli: {
      flags: '--data-folder <folder>',
      description: "data folder of the mesh daemon; left out: the one that is set, or the user's own",
    },
  },
  owner: {
    kind: 'string',
    cli: {
      flags: '--owner <identity>',
      description: 'mesh identity that may run commands of this gateway; nobody on the mesh if left out',
    },
  },
} as const;
