//! Products, orders and payments, and the rules between them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Orders kept; the oldest go first, so that the demo can run for weeks.
const ORDERS_MAX: usize = 10_000;
/// Number of the first order.
const FIRST_ORDER: u64 = 1_001;

/// Why the desk refuses, as status and sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// A sentence for the caller.
    pub detail: String,
}

impl Problem {
    /// A problem with its sentence.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }
}

struct Product {
    sku: &'static str,
    name: &'static str,
    notes: &'static str,
    price_cents: u64,
    stock: u64,
}

struct Line {
    sku: &'static str,
    name: &'static str,
    quantity: u64,
    price_cents: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Open,
    Paid,
    Cancelled,
}

struct Order {
    number: u64,
    customer: String,
    status: Status,
    lines: Vec<Line>,
    paid_cents: u64,
}

struct Payment {
    order: u64,
    amount_cents: u64,
    method: String,
    refunded: bool,
}

/// The whole business.
pub struct Desk {
    products: Vec<Product>,
    orders: BTreeMap<u64, Order>,
    payments: BTreeMap<u64, Payment>,
    next_order: u64,
    next_payment: u64,
}

impl Default for Desk {
    fn default() -> Self {
        let product = |sku, name, notes, price_cents, stock| Product {
            sku,
            name,
            notes,
            price_cents,
            stock,
        };
        let mut desk = Self {
            products: vec![
                product(
                    "BRA-250",
                    "Brazil Cerrado 250 g",
                    "nuts, milk chocolate",
                    890,
                    120,
                ),
                product(
                    "COL-250",
                    "Colombia Huila 250 g",
                    "caramel, red apple",
                    1_090,
                    80,
                ),
                product(
                    "ETH-250",
                    "Ethiopia Guji 250 g",
                    "jasmine, peach, bergamot",
                    1_290,
                    40,
                ),
                product(
                    "KEN-250",
                    "Kenya Nyeri 250 g",
                    "blackcurrant, grapefruit",
                    1_390,
                    0,
                ),
                product(
                    "HOUSE-1K",
                    "House espresso 1 kg",
                    "cocoa, hazelnut, round",
                    2_790,
                    60,
                ),
            ],
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
            next_order: FIRST_ORDER,
            next_payment: 1,
        };
        desk.open_shop();
        desk
    }
}

impl Desk {
    /// A few orders to look at on the first call.
    fn open_shop(&mut self) {
        for (customer, sku, quantity) in [
            ("Anna Berg", "ETH-250", 2),
            ("Café Nord", "HOUSE-1K", 6),
            ("Jo Lind", "COL-250", 1),
        ] {
            let placed = self.place(customer, &[(sku.to_owned(), quantity)]);
            debug_assert!(placed.is_ok(), "the shop opens with what is in stock");
        }
    }

    /// Products whose name or notes hold `search`, cheapest first.
    #[must_use]
    pub fn products(&self, search: Option<&str>, in_stock: bool) -> Value {
        let needle = search.unwrap_or_default().to_lowercase();
        let mut found: Vec<&Product> = self
            .products
            .iter()
            .filter(|product| !in_stock || product.stock > 0)
            .filter(|product| {
                product.name.to_lowercase().contains(&needle) || product.notes.contains(&needle)
            })
            .collect();
        found.sort_by_key(|product| product.price_cents);
        let products: Vec<Value> = found
            .into_iter()
            .map(|p| json!({"sku": p.sku, "name": p.name, "notes": p.notes, "price_cents": p.price_cents, "stock": p.stock}))
            .collect();
        json!({ "products": products })
    }

    /// Orders, newest first.
    #[must_use]
    pub fn orders(&self, status: Option<&str>, customer: Option<&str>, limit: usize) -> Value {
        let orders: Vec<Value> = self
            .orders
            .values()
            .rev()
            .filter(|order| status.is_none_or(|wanted| wanted == order.status.name()))
            .filter(|order| customer.is_none_or(|wanted| wanted == order.customer))
            .take(limit)
            .map(Order::to_json)
            .collect();
        json!({ "orders": orders })
    }

    /// One order.
    ///
    /// # Errors
    /// 404 where there is none of this number.
    pub fn order(&self, id: &str) -> Result<Value, Problem> {
        let number = order_number(id)?;
        self.orders
            .get(&number)
            .map(Order::to_json)
            .ok_or_else(|| no_order(id))
    }

    /// Places an order and takes its stock.
    ///
    /// # Errors
    /// 422 where a product is unknown or short.
    pub fn place(&mut self, customer: &str, items: &[(String, u64)]) -> Result<Value, Problem> {
        let mut lines = Vec::with_capacity(items.len());
        for (sku, quantity) in items {
            let Some(product) = self.products.iter().find(|product| product.sku == sku) else {
                return Err(Problem::new(
                    422,
                    format!("there is no product {sku}; list_products shows what there is"),
                ));
            };
            let wanted: u64 = *quantity
                + lines
                    .iter()
                    .filter(|l: &&Line| l.sku == product.sku)
                    .map(|l| l.quantity)
                    .sum::<u64>();
            if wanted > product.stock {
                return Err(Problem::new(
                    422,
                    format!("only {} of {sku} are in stock", product.stock),
                ));
            }
            lines.push(Line {
                sku: product.sku,
                name: product.name,
                quantity: *quantity,
                price_cents: product.price_cents,
            });
        }
        self.move_stock(&lines, u64::wrapping_sub);
        let number = self.next_order;
        self.next_order += 1;
        let order = Order {
            number,
            customer: customer.to_owned(),
            status: Status::Open,
            lines,
            paid_cents: 0,
        };
        let answer = order.to_json();
        self.orders.insert(number, order);
        if self.orders.len() > ORDERS_MAX {
            self.orders.pop_first();
        }
        Ok(answer)
    }

    /// Cancels an order and puts its stock back.
    ///
    /// # Errors
    /// 404 where there is none, 409 where it is cancelled already.
    pub fn cancel(&mut self, id: &str) -> Result<Value, Problem> {
        let number = order_number(id)?;
        let order = self.orders.get_mut(&number).ok_or_else(|| no_order(id))?;
        if order.status == Status::Cancelled {
            return Err(Problem::new(
                409,
                format!("order {id} is cancelled already"),
            ));
        }
        order.status = Status::Cancelled;
        let answer = order.to_json();
        let lines = std::mem::take(&mut order.lines);
        self.move_stock(&lines, u64::wrapping_add);
        if let Some(order) = self.orders.get_mut(&number) {
            order.lines = lines;
        }
        Ok(answer)
    }

    /// Books a payment.
    ///
    /// # Errors
    /// 404 where there is no such order, 409 where it wants no more money.
    pub fn pay(&mut self, id: &str, amount_cents: u64, method: &str) -> Result<Value, Problem> {
        let number = order_number(id)?;
        let order = self.orders.get_mut(&number).ok_or_else(|| no_order(id))?;
        let due = order.total_cents().saturating_sub(order.paid_cents);
        if order.status != Status::Open || amount_cents > due {
            return Err(Problem::new(
                409,
                format!(
                    "order {id} is {} and {due} cents are due",
                    order.status.name()
                ),
            ));
        }
        order.paid_cents += amount_cents;
        if order.paid_cents == order.total_cents() {
            order.status = Status::Paid;
        }
        let payment = Payment {
            order: number,
            amount_cents,
            method: method.to_owned(),
            refunded: false,
        };
        let id = self.next_payment;
        self.next_payment += 1;
        let answer = payment.to_json(id);
        self.payments.insert(id, payment);
        if self.payments.len() > ORDERS_MAX {
            self.payments.pop_first();
        }
        Ok(answer)
    }

    /// One payment.
    ///
    /// # Errors
    /// 404 where there is none.
    pub fn payment(&self, id: &str) -> Result<Value, Problem> {
        let number = payment_number(id)?;
        self.payments
            .get(&number)
            .map(|payment| payment.to_json(number))
            .ok_or_else(|| no_payment(id))
    }

    /// Gives the money of a payment back.
    ///
    /// # Errors
    /// 404 where there is none, 409 where it was refunded already.
    pub fn refund(&mut self, id: &str) -> Result<Value, Problem> {
        let number = payment_number(id)?;
        let payment = self
            .payments
            .get_mut(&number)
            .ok_or_else(|| no_payment(id))?;
        if payment.refunded {
            return Err(Problem::new(
                409,
                format!("payment {id} was refunded already"),
            ));
        }
        payment.refunded = true;
        if let Some(order) = self.orders.get_mut(&payment.order) {
            order.paid_cents = order.paid_cents.saturating_sub(payment.amount_cents);
            if order.status == Status::Paid {
                order.status = Status::Open;
            }
        }
        Ok(payment.to_json(number))
    }

    fn move_stock(&mut self, lines: &[Line], change: impl Fn(u64, u64) -> u64) {
        for line in lines {
            if let Some(product) = self
                .products
                .iter_mut()
                .find(|product| product.sku == line.sku)
            {
                product.stock = change(product.stock, line.quantity);
            }
        }
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Open => "open",
            Self::Paid => "paid",
        }
    }
}

impl Order {
    fn total_cents(&self) -> u64 {
        self.lines
            .iter()
            .map(|line| line.quantity * line.price_cents)
            .sum()
    }

    fn to_json(&self) -> Value {
        let items: Vec<Value> = self
            .lines
            .iter()
            .map(|l| json!({"sku": l.sku, "name": l.name, "quantity": l.quantity, "price_cents": l.price_cents}))
            .collect();
        json!({
            "order_id": format!("A-{}", self.number),
            "customer": self.customer,
            "status": self.status.name(),
            "items": items,
            "total_cents": self.total_cents(),
            "paid_cents": self.paid_cents,
        })
    }
}

impl Payment {
    fn to_json(&self, id: u64) -> Value {
        json!({
            "payment_id": format!("P-{id}"),
            "order_id": format!("A-{}", self.order),
            "amount_cents": self.amount_cents,
            "method": self.method,
            "status": if self.refunded { "refunded" } else { "booked" },
        })
    }
}

fn order_number(id: &str) -> Result<u64, Problem> {
    id.strip_prefix("A-")
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| no_order(id))
}

fn payment_number(id: &str) -> Result<u64, Problem> {
    id.strip_prefix("P-")
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| no_payment(id))
}

fn no_order(id: &str) -> Problem {
    Problem::new(404, format!("there is no order {id}"))
}

fn no_payment(id: &str) -> Problem {
    Problem::new(404, format!("there is no payment {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(desk: &Desk, sku: &str) -> u64 {
        desk.products
            .iter()
            .find(|product| product.sku == sku)
            .unwrap()
            .stock
    }

    #[test]
    fn an_order_is_placed_paid_refunded_and_cancelled() {
        let mut desk = Desk::default();
        let before = stock(&desk, "BRA-250");
        let order = desk.place("Test", &[("BRA-250".into(), 2)]).unwrap();
        let id = order["order_id"].as_str().unwrap().to_owned();
        assert_eq!(
            (order["total_cents"].as_u64(), stock(&desk, "BRA-250")),
            (Some(1_780), before - 2)
        );
        let payment = desk.pay(&id, 1_780, "card").unwrap();
        assert_eq!(desk.order(&id).unwrap()["status"], "paid");
        assert_eq!(desk.pay(&id, 1, "card").unwrap_err().status, 409);
        let payment_id = payment["payment_id"].as_str().unwrap().to_owned();
        assert_eq!(desk.refund(&payment_id).unwrap()["status"], "refunded");
        assert_eq!(desk.refund(&payment_id).unwrap_err().status, 409);
        assert_eq!(desk.cancel(&id).unwrap()["status"], "cancelled");
        assert_eq!(stock(&desk, "BRA-250"), before);
        assert_eq!(desk.cancel(&id).unwrap_err().status, 409);
    }

    #[test]
    fn what_is_not_there_cannot_be_ordered() {
        let mut desk = Desk::default();
        assert_eq!(
            desk.place("Test", &[("NONE".into(), 1)])
                .unwrap_err()
                .status,
            422
        );
        assert_eq!(
            desk.place("Test", &[("KEN-250".into(), 1)])
                .unwrap_err()
                .status,
            422
        );
        let twice = [("ETH-250".to_owned(), 30), ("ETH-250".to_owned(), 30)];
        assert_eq!(
            desk.place("Test", &twice).unwrap_err().status,
            422,
            "two lines share one stock"
        );
        assert_eq!(desk.order("A-9").unwrap_err().status, 404);
        assert_eq!(desk.payment("x").unwrap_err().status, 404);
    }

    #[test]
    fn one_order_past_the_bound_drops_the_oldest() {
        let mut desk = Desk::default();
        for product in &mut desk.products {
            product.stock = u64::from(u32::MAX);
        }
        for _ in 0..=ORDERS_MAX {
            desk.place("Test", &[("BRA-250".into(), 1)]).unwrap();
        }
        assert_eq!(desk.orders.len(), ORDERS_MAX);
        assert!(desk.order("A-1001").is_err());
    }
}
