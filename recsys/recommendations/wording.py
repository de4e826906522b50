"""Every sentence of every reason, in each language: templates with the names of the facts they take, and nothing else.

A fact is a column of the row, or the name that item_details of the same day gives for an id in the row, cut where it
is longer than a sentence should be. Sentences that end early where a fact is missing are put together from several
templates.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

ENGLISH = {
    # user_recommendations
    "bought_times": "You bought this {purchases} times",
    "bought_once": "You bought this",
    "times_days_ago": ", last {days} days ago",
    "times_yesterday": ", last yesterday",
    "once_days_ago": " {days} days ago",
    "once_yesterday": " yesterday",
    "gap_days": "; usually bought again after {gap} days",
    "gap_one_day": "; usually bought again the next day",
    "because_you_bought": "Because you bought {anchor}",
    "because_of_interest": "Because of your interest in {anchor}",
    "new_like_yours": "New, and like {anchor}",
    "new_in_shop": "New, and fits what you did so far",
    "explored": "New in the shop",
    "popular_in_category": "Popular in {category}",
    "popular_where_you_buy": "Popular in {category}, where you buy {anchor}",
    "similar_users": "Chosen by users whose history resembles yours",
    "trending": "Popular with all users right now",
    "segment": "Popular with users of your group right now",
    "for_you": "Fits what you did so far",
    # trending_items
    "rising": "{percent} % above what its past and its category tell",
    "rising_with": "{percent} % above what its past and its category tell with users of {segment}",
    "steady": "Popular right now",
    "steady_with": "Popular right now with users of {segment}",
    # item_pairs
    "pair_substitute": "Viewed together with {item}, hardly ever bought together",
    "pair_forced": "Set by the shop to go with {item}",
    "pair_like_similar_titles": "Goes with items whose titles are like {item}",
    "pair_like_its_category": "Goes with the best known of the category of {item}",
    "pair_bought_together": "{share} % of baskets with {item} also hold it: {baskets} baskets of {users} users,"
    " where chance gives {expected}",
    "below_a_tenth": "less than 0.1",
    "pair_often_in_the_basket": "{share} % of baskets with {item} also hold it, {baskets} baskets;"
    " no more than chance may give",
    # similar_items
    "viewed_by_same": "Viewed by the same people",
    "bought_by_same": "Bought by the same people",
    "and_facts": "{people}; {facts}",
    "same_type": "same type",
    "same_brand": "same brand",
    "same_price": "same price",
    "cheaper": "{percent} % cheaper",
    "dearer": "{percent} % dearer",
    "between_facts": ", ",
    "alike": "It reads or looks alike",
    # bundles and user_bundles
    "bundle_theme": "{theme}: {kinds}",
    "bundle_word": "{name} ({word})",
    "told_apart": "{title} ({mark})",
    "bundle_forced": "Set by the shop: {items}",
    "bundle_bought_together": "{share} % of baskets with {first} also hold {others}, {lift} times what chance gives,"
    " {baskets} baskets",
    "between_members": ", ",
    "last_member": " and ",
    "fits_your_items": "{bundle}: goes with {anchor}, {new_items} new to you; {baskets} baskets held it whole",
    # campaign_audiences
    "responded_before": "Answered {count} of {total} earlier campaigns, last {when}",
    "buys_promoted": "Bought promoted items on {trips}, last {when}",
    "in_lists": "{promoted} in the user's lists, the best at place {place}",
    "buys_category": "Buys from the promoted categories, last {when}",
    "looks_like_buyers": "Never bought what is promoted; shops like those who begin to",
    "active": "Shops often: {trips} in four weeks",
    "likely": "Among the likeliest by all that is known of the user",
    "one_trip": "1 trip",
    "trips": "{count} trips",
    "one_promoted": "1 promoted item",
    "promoted": "{count} promoted items",
    "yesterday": "yesterday",
    "days_ago": "{days} days ago",
    # audience_results
    "contacted": "contacted",
    "holdout": "kept-apart",
    "not_contacted": "chosen, never contacted",
    "result": "Of {users} {group} users {response_rate} responded and {buyer_rate} bought",
    "beside_holdout": ", {above} points beside the holdout ({low} to {high})",
    # reorder_suggestions
    "reorder_retired": "The item left the range; {on_hand} left in stock.",
    "reorder_no_demand": "Nothing sold lately; {on_hand} in stock.",
    "reorder_out_of_stock": "Out of stock, about {daily_demand} a day are missed: order {quantity}.",
    "reorder_reorder": "{on_hand} in stock and {on_order} on their way are within the {reorder_point} that may sell"
    " before an order of tomorrow arrives ({sure} % sure): order {quantity}.",
    "reorder_on_the_way": "Stock lasts {cover}, but {on_order} are on their way.",
    "reorder_not_due": "Stock lasts {cover}, nothing is on its way; at {daily_demand} a day no order is due.",
    "reorder_overstock": "Stock lasts {cover}: {overstock} more than the longest sensible cover sells.",
    "reorder_enough": "Stock lasts {cover}, an order takes {lead_time} days.",
    "cover_days": "{days} days",
    "cover_years": "for years",
}
CHINESE = {
    "bought_times": "您买过 {purchases} 次",
    "bought_once": "您买过",
    "times_days_ago": "，上次在 {days} 天前",
    "times_yesterday": "，上次在昨天",
    "once_days_ago": "，在 {days} 天前",
    "once_yesterday": "，在昨天",
    "gap_days": "；通常每隔 {gap} 天再买",
    "gap_one_day": "；通常第二天再买",
    "because_you_bought": "因为您买过“{anchor}”",
    "because_of_interest": "因为您对“{anchor}”感兴趣",
    "new_like_yours": "新品，与“{anchor}”相似",
    "new_in_shop": "新品，符合您以往的喜好",
    "explored": "本店新品",
    "popular_in_category": "“{category}”类热门",
    "popular_where_you_buy": "“{category}”类热门，您在此类买过“{anchor}”",
    "similar_users": "与您喜好相近的用户的选择",
    "trending": "近期受所有用户欢迎",
    "segment": "近期受您同类用户欢迎",
    "for_you": "符合您以往的行为",
    "rising": "比其自身历史和所属类别的预期高 {percent} %",
    "rising_with": "在“{segment}”用户中，比其自身历史和所属类别的预期高 {percent} %",
    "steady": "近期热门",
    "steady_with": "近期受“{segment}”用户欢迎",
    "pair_substitute": "常与“{item}”一同浏览，但很少一同购买",
    "pair_forced": "商家指定与“{item}”搭配",
    "pair_like_similar_titles": "适合与名称类似“{item}”的商品搭配",
    "pair_like_its_category": "适合与“{item}”同类的热门商品搭配",
    "pair_bought_together": "含“{item}”的购物篮有 {share} % 也含此商品，共 {baskets} 个购物篮、{users} 位用户，"
    "偶然情况下只有 {expected} 个",
    "below_a_tenth": "不到 0.1",
    "pair_often_in_the_basket": "含“{item}”的购物篮有 {share} % 也含此商品，共 {baskets} 个购物篮；可能只是偶然",
    "viewed_by_same": "被同一批用户浏览",
    "bought_by_same": "被同一批用户购买",
    "and_facts": "{people}；{facts}",
    "same_type": "同类",
    "same_brand": "同品牌",
    "same_price": "同价",
    "cheaper": "便宜 {percent} %",
    "dearer": "贵 {percent} %",
    "between_facts": "，",
    "alike": "描述或图片相近",
    "bundle_theme": "{theme}：{kinds}",
    "bundle_word": "{name}（{word}）",
    "told_apart": "{title}（{mark}）",
    "bundle_forced": "商家指定：{items}",
    "bundle_bought_together": "含“{first}”的购物篮有 {share} % 也含“{others}”，是偶然情况的 {lift} 倍，"
    "共 {baskets} 个购物篮",
    "between_members": "、",
    "last_member": "和",
    "fits_your_items": "“{bundle}”适合与“{anchor}”搭配，其中 {new_items} 件您未曾买过；{baskets} 个购物篮含全套",
    "responded_before": "在 {total} 次以往活动中响应过 {count} 次，最近一次在{when}",
    "buys_promoted": "在{trips}中买过促销商品，最近一次在{when}",
    "in_lists": "用户的推荐列表中有{promoted}，最好的排在第 {place} 位",
    "buys_category": "买过促销类别的商品，最近一次在{when}",
    "looks_like_buyers": "从未买过促销商品；但与刚开始购买的用户相似",
    "active": "经常购物：四周内{trips}",
    "likely": "综合已知信息，属于可能性较高的用户",
    "one_trip": " 1 次购物",
    "trips": " {count} 次购物",
    "one_promoted": " 1 件促销商品",
    "promoted": " {count} 件促销商品",
    "yesterday": "昨天",
    "days_ago": " {days} 天前",
    "contacted": "已联系",
    "holdout": "留作对照",
    "not_contacted": "入选但未联系",
    "result": "{users} 位{group}的用户中，{response_rate} 有响应，{buyer_rate} 有购买",
    "beside_holdout": "，与对照组相差 {above} 个百分点（{low} 至 {high}）",
    "reorder_retired": "商品已下架；剩余库存 {on_hand}。",
    "reorder_no_demand": "近期没有销售；库存 {on_hand}。",
    "reorder_out_of_stock": "缺货，每天约损失 {daily_demand} 件：订购 {quantity} 件。",
    "reorder_reorder": "库存 {on_hand} 件、在途 {on_order} 件，不超过明日订货到达前可能售出的 {reorder_point} 件"
    "（{sure} % 把握）：订购 {quantity} 件。",
    "reorder_on_the_way": "库存可维持{cover}，另有 {on_order} 件在途。",
    "reorder_not_due": "库存可维持{cover}，无在途；每天约售 {daily_demand} 件，尚无需订购。",
    "reorder_overstock": "库存可维持{cover}：比最长合理周转期的销量多 {overstock} 件。",
    "reorder_enough": "库存可维持{cover}，订货需 {lead_time} 天。",
    "cover_days": " {days} 天",
    "cover_years": "数年",
}
SENTENCES = {"en": ENGLISH, "zh": CHINESE}
"""Templates by language, as the setting `language` names it."""


LONGEST_NAME = 120
"""Characters of a title, or of an id in its place, that a sentence holds; more are cut."""


def in_a_sentence(name: pl.Expr) -> pl.Expr:
    """A title or id as a sentence names it: in one line, not longer than LONGEST_NAME."""
    line = name.str.replace_all(r"[\p{Cc}\p{Zl}\p{Zp}]+", " ").str.strip_chars()
    cut = pl.concat_str(line.str.head(LONGEST_NAME - 1).str.strip_chars_end(), pl.lit("…"))
    return pl.when(line.str.len_chars() > LONGEST_NAME).then(cut).otherwise(line)


def say(language: str, key: str, **facts: pl.Expr) -> pl.Expr:
    """The sentence `key` for each row of a frame; null where one of its facts is."""
    parts = re.split(r"\{(\w+)\}", SENTENCES[language][key])
    pieces = [facts[part] if place % 2 else pl.lit(part) for place, part in enumerate(parts) if place % 2 or part]
    return pl.concat_str(pieces)


def tell(language: str, key: str, **facts: Any) -> str:
    """The sentence `key` once."""
    return SENTENCES[language][key].format(**facts)
