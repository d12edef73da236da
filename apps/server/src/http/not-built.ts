/** Parts of the public service's API that this server does not have, by the path they would lie under. */
const NOT_BUILT: ReadonlyArray<[path: RegExp, what: string]> = [
  [/^\/v1\/(predict|sessions|ground|ocr|parse)(\/|$)/, 'Inference without a run'],
  [/^\/v1\/workflows(\/|$)/, 'Workflows'],
  [/^\/v1\/(schedules|triggers)(\/|$)/, 'Schedules and triggers'],
  [/^\/v1\/machines\/[^/]+\/(actions|browser|terminal|files)(\/|$)/, 'Driving a machine without a run'],
];

/** Why there is nothing at a path, so that who calls a whole family of routes need not look for a slip of the pen. */
export function whyNoRoute(url: string, docsUrl: string): string {
  const path = url.split('?')[0] ?? '';
  const missing = NOT_BUILT.find(([pattern]) => pattern.test(path))?.[1];
  return missing === undefined
    ? `No such route. ${docsUrl} and /openapi.json list what there is.`
    : `${missing}: this server does not have that. ${docsUrl} lists what there is; POST /v1/runs and /v1/tasks do whole tasks.`;
}
