import { verifyWebhook } from '@deskhand/client';

/** A receiver for any runtime that speaks `Request` and `Response`. */
export async function receiveWebhook(request: Request, secret: string): Promise<Response> {
  const body = new Uint8Array(await request.arrayBuffer());
  const header = request.headers.get('coasty-signature');
  const verification = await verifyWebhook({ secret, header, body });
  if (!verification.ok) return new Response(verification.reason, { status: 401 });
  const event = JSON.parse(new TextDecoder().decode(body)) as { id: string; event: string; run_id: string };
  console.log(`${event.event} of ${event.run_id}`);
  return new Response(null, { status: 204 });
}
