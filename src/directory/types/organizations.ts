// Organizations: tenants, each with a log of its own, in which its state is kept.

import type { Json } from '../../core/json.ts';
import { type Attribute, attribute, declare, type Kind, many } from '../declaration.ts';

const optional = attribute('string', 'CUF');

/** Settings of the vendor's platform that Annals has no use for: they read as what they are by default. */
const SETTINGS: Record<string, [Kind, Json]> = {
  api_auth_redirect: ['boolean', true],
  api_rules_engine: ['boolean', false],
  api_rules_engine_max_conditions_size: ['integer', 150],
  api_rules_engine_max_rules_size: ['integer', 15],
  api_new_auth: ['boolean', true],
  api_purge_single_resource: ['boolean', false],
  api_max_regex_length: ['integer', 5000],
  addresses_avs_check: ['boolean', true],
  addresses_phone_required: ['boolean', true],
  orders_sales_channel_guest_only: ['boolean', true],
  orders_min_rebuild_shipments_lapse: ['float', 0],
  orders_min_refresh_lapse: ['float', 0],
  orders_autorefresh_cutoff_test: ['integer', 50],
  orders_autorefresh_cutoff_live: ['integer', 500],
  orders_number_editable_test: ['boolean', false],
  orders_number_editable_live: ['boolean', false],
  orders_number_as_reference: ['boolean', true],
  orders_invalid_coupon_errors: ['boolean', true],
  orders_invalid_gift_card_errors: ['boolean', true],
  orders_validate_shipping_stock: ['boolean', false],
  bundles_max_items_count: ['integer', 10],
  coupons_min_code_length: ['integer', 8],
  coupons_max_code_length: ['integer', 40],
  gift_cards_exact_code_matching: ['boolean', false],
  gift_cards_min_code_length: ['integer', 8],
  gift_cards_max_code_length: ['integer', 40],
  cleanups_max_concurrent_count: ['integer', 10],
  exports_max_concurrent_count: ['integer', 10],
  imports_max_concurrent_count: ['integer', 10],
  imports_purge_cache: ['boolean', true],
  imports_skip_errors: ['boolean', false],
  inventory_models_max_stock_locations_cutoff: ['integer', 10],
  promotions_max_concurrent_count: ['integer', 10],
  promotions_max_conditions_size: ['integer', 150],
  promotions_max_rules_size: ['integer', 15],
  price_lists_max_conditions_size: ['integer', 150],
  price_lists_max_rules_size: ['integer', 15],
  imports_trigger_webhooks: ['integer', false],
  discount_engines_enabled: ['boolean', false],
  discount_engines_errors: ['boolean', false],
  tags_max_name_length: ['integer', 25],
  tags_max_allowed_number: ['integer', 10],
  tax_calculators_errors: ['boolean', false],
  external_promotions_errors: ['boolean', false],
  external_prices_errors: ['boolean', true],
};

const settings: Record<string, Attribute> = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, [kind, value]]) => [name, attribute(kind, 'F', { default: value })]),
);

export const organizations = declare({
  type: 'organizations',
  singular: 'organization',
  operations: ['create', 'list', 'retrieve', 'update'],
  actions: [
    {
      name: 'transfer_ownership',
      method: 'PATCH',
      status: 202,
      about: 'Makes another active member the owner, by new_owner_email',
    },
  ],
  attributes: {
    name: attribute('string', 'CUFQS', { isRequired: true }),
    slug: attribute('string', 'FQS', { isNullable: false }),
    domain: attribute('string', 'FQS'),
    support_phone: optional,
    support_email: optional,
    logo_url: optional,
    favicon_url: optional,
    primary_color: optional,
    contrast_color: attribute('string', 'CUFQ'),
    gtm_id: optional,
    gtm_id_test: optional,
    config: attribute('object', 'CUF'),
    region: attribute('string', 'CFQ', { default: 'eu-west-1', isNullable: true }),
    can_switch_live: attribute('boolean', 'F', { default: false }),
    subscription_info: attribute('object', 'F', { default: {} }),
    ...settings,
  },
  relationships: {
    memberships: many('memberships', 'organization'),
    roles: many('roles', 'organization'),
    permissions: many('permissions', 'organization'),
    api_credentials: many('api_credentials', 'organization'),
  },
});
