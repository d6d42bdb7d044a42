//! Catalogs to measure with.

/// Documents of YAML: `tools` tools in each of `tenants` tenants, all GETs of one API. The tenant that is
/// measured is `bench`, and its tool `get_order_0`.
pub(super) fn one_api(port: u16, tools: usize, tenants: usize) -> String {
    let mut text = String::with_capacity(tools * tenants * 640);
    for tenant in 0..tenants {
        let namespace = if tenant == 0 {
            "bench".to_owned()
        } else {
            format!("other-{tenant}")
        };
        for tool in 0..tools {
            text += &format!(
                "---\napiVersion: gostoa.dev/v1alpha1\nkind: Tool\nmetadata:\n  name: get-order-{tool}\n  namespace: tenant-{namespace}\n\
                 spec:\n  name: get_order_{tool}\n  description: Looks an order up by its number and tells its state, total and payments.\n\
                 \x20 endpoint: http://127.0.0.1:{port}/v1/orders/{{order_id}}\n  method: GET\n  tags: [orders]\n\
                 \x20 annotations: {{title: Get an order, readOnly: true}}\n\
                 \x20 inputSchema:\n    type: object\n    properties:\n      order_id: {{type: string, description: Number of the order}}\n\
                 \x20     expand: {{type: string, enum: [items, payments]}}\n    required: [order_id]\n    additionalProperties: false\n"
            );
        }
    }
    text
}
