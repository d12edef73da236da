import { options, page, type Site, startSite, text } from './site.ts';

const PRODUCTS = [
  { id: 'mug', name: 'Blue mug', cents: 850 },
  { id: 'teapot', name: 'Clay teapot', cents: 3200 },
  { id: 'lamp', name: 'Desk lamp', cents: 4150 },
  { id: 'notebook', name: 'Lined notebook', cents: 420 },
  { id: 'pen', name: 'Fountain pen', cents: 1990 },
  { id: 'scarf', name: 'Wool scarf', cents: 2750 },
] as const;
type ProductId = (typeof PRODUCTS)[number]['id'];

export type Order = Readonly<{
  number: string;
  lines: Readonly<Record<string, number>>;
  name: string;
  address: string;
  shipping: string;
  gift: boolean;
  totalCents: number;
}>;

/** What a sabotaged shop does behind a friendly face. */
export type ShopFault =
  | 'adds_another'
  | 'one_only'
  | 'keeps_removed'
  | 'slow_ship'
  | 'no_gift'
  | 'no_coupon'
  | 'loses_order';

export interface Shop extends Site {
  readonly cart: ReadonlyMap<ProductId, number>;
  readonly orders: readonly Order[];
  readonly coupon: () => string | null;
}

/** A small shop: list, product pages, cart, coupon, checkout. */
export async function startShop(fault: ShopFault | null): Promise<Shop> {
  const cart = new Map<ProductId, number>();
  const orders: Order[] = [];
  let coupon: string | null = null;
  const nav = `<a href="/">Products</a><a href="/cart">Cart</a><a href="/orders">My orders</a>`;
  const money = (cents: number) => `$${(cents / 100).toFixed(2)}`;
  const product = (id: string) => PRODUCTS.find((candidate) => candidate.id === id);
  const totalCents = () => {
    const sum = [...cart].reduce((total, [id, count]) => total + (product(id)?.cents ?? 0) * count, 0);
    return coupon === null ? sum : Math.round(sum * 0.9);
  };
  const add = (id: ProductId, count: number) => {
    const index = PRODUCTS.findIndex((candidate) => candidate.id === id);
    const chosen = fault === 'adds_another' ? (PRODUCTS[(index + 1) % PRODUCTS.length]?.id ?? id) : id;
    cart.set(chosen, (cart.get(chosen) ?? 0) + (fault === 'one_only' ? 1 : count));
  };
  const lines = () =>
    [...cart]
      .map(([id, count]) => {
        const { name = '', cents = 0 } = product(id) ?? {};
        return `<tr><td>${text(name)}</td><td><form method="post" action="/cart/${id}"><label>Quantity of ${text(name)} <input type="number" min="1" max="99" name="count" value="${count}"></label> <button>Update ${text(name)}</button></form></td><td>${money(cents * count)}</td><td><form method="post" action="/cart/${id}/remove"><button>Remove</button></form></td></tr>`;
      })
      .join('');
  const site = await startSite({
    'GET /': () => ({
      html: page(
        'Corner shop',
        `<h1>Corner shop</h1><div class="cards">${PRODUCTS.map(({ id, name, cents }) => `<div class="card"><h2><a href="/p/${id}">${name}</a></h2><p>${money(cents)}</p><form method="post" action="/add/${id}"><button aria-label="Add ${name} to cart">Add to cart</button></form></div>`).join('')}</div>`,
        { nav },
      ),
    }),
    'GET /p/:id': ({ parts }) => {
      const { id, name, cents } = product(parts.id ?? '') ?? PRODUCTS[0];
      return {
        html: page(
          name,
          `<h1>${name}</h1><p>${money(cents)}, in stock</p><form method="post" action="/add/${id}"><label for="count">Quantity</label><select id="count" name="count">${options(['1', '2', '3', '4', '5'], '1')}</select> <button>Add to cart</button></form>`,
          { nav },
        ),
      };
    },
    'POST /add/:id': ({ parts, form }) => {
      add(parts.id as ProductId, Number(form.get('count') ?? 1));
      return { redirect: '/cart' };
    },
    'GET /cart': () => ({
      html: page(
        'Cart',
        `<h1>Your cart</h1>${
          cart.size === 0
            ? '<p>Your cart is empty.</p>'
            : `<table><tr><th>Product</th><th>Quantity</th><th>Price</th><th></th></tr>${lines()}</table>
<p>${coupon === null ? '' : `Coupon ${text(coupon)} applied, 10% off. `}Total: <strong>${money(totalCents())}</strong></p>
<form method="post" action="/coupon"><label for="code">Coupon code</label><input type="text" id="code" name="code"> <button>Apply coupon</button></form>
<p><a href="/checkout">Go to checkout</a></p>`
        }`,
        { nav },
      ),
    }),
    'POST /cart/:id': ({ parts, form }) => {
      if (fault !== 'one_only') cart.set(parts.id as ProductId, Number(form.get('count') ?? 1));
      return { redirect: '/cart' };
    },
    'POST /cart/:id/remove': ({ parts }) => {
      const victim = fault === 'keeps_removed' ? [...cart.keys()].find((id) => id !== parts.id) : parts.id;
      if (victim !== undefined) cart.delete(victim as ProductId);
      return { redirect: '/cart' };
    },
    'POST /coupon': ({ form }) => {
      if (form.get('code')?.trim().toUpperCase() === 'SPRING10' && fault !== 'no_coupon') coupon = 'SPRING10';
      return { redirect: '/cart' };
    },
    'GET /checkout': () => ({
      html: page(
        'Checkout',
        `<h1>Checkout</h1><form method="post" action="/checkout"><label for="name">Full name</label><input type="text" id="name" name="name" required>
<label for="address">Address</label><textarea id="address" name="address" rows="3" required></textarea>
<fieldset><legend>Shipping</legend>${['Standard', 'Express', 'Pick up in store'].map((kind, index) => `<label class="inline"><input type="radio" name="shipping" value="${kind}"${index === 0 ? ' checked' : ''}> ${kind}</label>`).join('')}</fieldset>
<label class="inline"><input type="checkbox" name="gift" value="yes"> Gift wrap</label><p><button>Place order</button></p></form>`,
        { nav },
      ),
    }),
    'POST /checkout': ({ form }) => {
      const shipping = form.get('shipping') ?? '';
      const order: Order = {
        number: `DH-${4711 + orders.length * 7}`,
        lines: Object.fromEntries(cart),
        name: form.get('name') ?? '',
        address: (form.get('address') ?? '').replaceAll('\r\n', '\n'),
        shipping: fault === 'slow_ship' ? 'Standard' : shipping,
        gift: form.get('gift') === 'yes' && fault !== 'no_gift',
        totalCents: totalCents(),
      };
      if (fault === 'loses_order') return { redirect: '/orders' };
      orders.push(order);
      cart.clear();
      return { redirect: `/orders/${order.number}` };
    },
    'GET /orders': () => ({
      html: page(
        'My orders',
        `<h1>My orders</h1>${orders.length === 0 ? '<p>There are no orders yet.</p>' : `<ul>${orders.map(({ number }) => `<li><a href="/orders/${number}">${number}</a></li>`).join('')}</ul>`}`,
        { nav },
      ),
    }),
    'GET /orders/:number': ({ parts }) => {
      const order = orders.find(({ number }) => number === parts.number);
      if (order === undefined)
        return { html: page('Not found', '<h1>No such order</h1>', { nav }), status: 404 };
      const rows = Object.entries(order.lines)
        .map(([id, count]) => `<li>${count} × ${text(product(id)?.name ?? id)}</li>`)
        .join('');
      return {
        html: page(
          `Order ${order.number}`,
          `<div class="note">Thank you, ${text(order.name)}!</div><h1>Order ${order.number}</h1><ul>${rows}</ul>
<p>Order number: <strong id="number">${order.number}</strong></p><p>Shipping: ${text(order.shipping)}</p><p>Gift wrap: ${order.gift ? 'yes' : 'no'}</p><p>Total: ${money(order.totalCents)}</p>`,
          { nav },
        ),
      };
    },
  });
  return Object.assign(site, { cart, orders, coupon: () => coupon });
}
