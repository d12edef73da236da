import { type ShopFault, startShop } from '../apps/shop.ts';
import { differs, type Task, task } from '../task.ts';
import type { World } from '../world.ts';

const shop = (fault: ShopFault) => (world: World) =>
  world.use('shop', startShop(world.sabotaged ? fault : null));

export const shopTasks: readonly Task[] = [
  task({
    id: 'shop/add-to-cart',
    setup: shop('adds_another'),
    instruction: ({ url }) =>
      `Open the browser, go to ${url}, click "Add Desk lamp to cart" and check that "Desk lamp" is visible.`,
    check: ({ cart }) => differs('the cart', Object.fromEntries(cart), { lamp: 1 }),
    twin: 'another product lands in the cart',
  }),
  task({
    id: 'shop/three-mugs',
    setup: shop('one_only'),
    instruction: ({ url }) =>
      `Go to ${url}. Click the Blue mug link, select "3" from the Quantity list and click the Add to cart button. Check that the total "$25.50" is visible.`,
    check: ({ cart }) => differs('the cart', Object.fromEntries(cart), { mug: 3 }),
    twin: 'only one is added',
  }),
  task({
    id: 'shop/change-the-quantity',
    setup: shop('one_only'),
    instruction: ({ url }) =>
      `Visit ${url} and click "Add Fountain pen to cart". Set the "Quantity of Fountain pen" field to "4" and click "Update Fountain pen". Verify that "$79.60" is shown.`,
    check: ({ cart }) => differs('the cart', Object.fromEntries(cart), { pen: 4 }),
    twin: 'the quantity stays one',
  }),
  task({
    id: 'shop/remove-one',
    setup: shop('keeps_removed'),
    instruction: ({ url }) =>
      `In the browser go to ${url}. Click "Add Wool scarf to cart". Click Products, then click "Add Clay teapot to cart". Click the Remove button in the row of "Wool scarf". Make sure "Wool scarf" is not visible and "Clay teapot" is visible.`,
    check: ({ cart }) => differs('the cart', Object.fromEntries(cart), { teapot: 1 }),
    twin: 'the other line is removed',
  }),
  task({
    id: 'shop/coupon',
    setup: shop('no_coupon'),
    instruction: ({ url }) =>
      `Open ${url}, click "Add Clay teapot to cart", type "SPRING10" into the Coupon code field, click Apply coupon and check that "$28.80" is visible.`,
    check: ({ coupon, cart }) => [
      ...differs('the coupon', coupon(), 'SPRING10'),
      ...differs('the cart', Object.fromEntries(cart), { teapot: 1 }),
    ],
    twin: 'the coupon is ignored',
  }),
  task({
    id: 'shop/order',
    setup: shop('slow_ship'),
    instruction: ({ url }) =>
      `Go to ${url}, click "Add Lined notebook to cart" and click "Go to checkout". Type "Ada Lovelace" into the Full name field. Type "12 Ockham Road, London" into the Address field. Choose the Express radio button. Click Place order. Check that "Shipping: Express" is visible.`,
    check: ({ orders }) =>
      differs('the orders', orders, [
        {
          number: 'DH-4711',
          lines: { notebook: 1 },
          name: 'Ada Lovelace',
          address: '12 Ockham Road, London',
          shipping: 'Express',
          gift: false,
          totalCents: 420,
        },
      ]),
    twin: 'the order is shipped by the slow way',
  }),
  task({
    id: 'shop/gift',
    setup: shop('no_gift'),
    instruction: ({ url }) =>
      `Open the browser at ${url}. Put a scarf in the cart: click "Add Wool scarf to cart". Click the "Go to checkout" link, fill in Full name with "Grace Hopper" and Address with "1 Navy Yard", tick "Gift wrap" and place the order by clicking "Place order". Check that "Gift wrap: yes" is visible.`,
    check: ({ orders }) => [
      ...differs('the number of orders', orders.length, 1),
      ...differs('gift wrap', orders[0]?.gift, true),
      ...differs('the lines', orders[0]?.lines, { scarf: 1 }),
    ],
    twin: 'the gift wrap is forgotten',
  }),
  task({
    id: 'shop/order-in-the-list',
    setup: shop('loses_order'),
    instruction: ({ url }) =>
      `Go to ${url}, click "Add Blue mug to cart", click "Go to checkout", type "Mary Jackson" into Full name, type "Hampton" into Address and click Place order. Click "My orders" and check that "DH-4711" is visible.`,
    check: ({ orders }) =>
      differs(
        'the names on orders',
        orders.map(({ name }) => name),
        ['Mary Jackson'],
      ),
    twin: 'the order is lost',
  }),
];
