-- What the current lists say of one item for one user: one row a list that the user has, or one that there is none.
-- Why an item is missing, the surest first: what keeps it out of the list, else the score that it had to reach. What
-- was proposed and did not reach it is not published: python -m recsys explain works that out again.
create or replace function bi.explain_recommendation(wanted_user text, wanted_item text)
returns table (list text, rank integer, story text)
language sql stable
as $$
    with shown as (
        select r.*
        from bi.current_user_recommendations as r
        where r.user_id = wanted_user
    ),

    item as (
        select
            d.item_id is not null as is_known,
            d.held_back,
            d.users,
            d.category_path,
            h.events,
            h.last_on,
            -- Rows of what is popular know nothing of the user.
            exists (select from shown as s where s.item_id = wanted_item and s.purchases > 0) as bought,
            exists (
                select from shown as s
                where s.item_id = wanted_item and s.fallback is null and s.purchases is null
            ) as not_bought
        from (values (wanted_item)) as asked (item_id)
        left join bi.current_item_details as d on asked.item_id = d.item_id
        left join bi.current_user_history as h on asked.item_id = h.item_id and h.user_id = wanted_user
    ),

    lists as (
        select
            s.list,
            count(*) as places,
            min(s.score) as lowest,
            count(*) filter (where s.item_category = i.category_path) as alike,
            bool_and(s.fallback is not null) as is_popular
        from shown as s
        cross join item as i
        group by s.list
    )

    select
        lists.list,
        found.rank,
        case
            when found.rank is not null
                then format(
                    '%s (from %s, score %s%s)',
                    found.reason_text,
                    found.generator,
                    round(found.score::numeric, 3),
                    ', moved most by ' || found.top_features
                )
            when not item.is_known
                then 'not among the day''s items: the shop has none of this id, or has none to sell, and nobody did'
                    ' anything with it inside the look-back window'
            when item.held_back is not null
                then format('no list may show it: %s', replace(item.held_back, '_', ' '))
            when lists.list = 'discover' and item.bought then 'the user bought it before'
            when lists.list = 'buy_again' and item.not_bought then 'the user is not known to have bought it'
            when lists.is_popular
                then format(
                    'the list holds what is popular alone (no history, or no consent), and this is not among its %s',
                    lists.places
                )
            else format(
                'ranked below the %s places of the list, which end at a score of %s, or not proposed%s%s%s;'
                ' python -m recsys explain tells which',
                lists.places,
                round(lists.lowest::numeric, 3),
                case when lists.alike > 0 then format('; its category has %s of the places', lists.alike) end,
                case when item.users = 0 then '; nobody did anything with it yet' end,
                '; the user did something with it ' || item.events || ' time(s), last on ' || item.last_on
            )
        end as story
    from lists
    cross join item
    left join shown as found on lists.list = found.list and found.item_id = wanted_item
    union all
    select
        null,
        null,
        'nobody of this id has a current list'
    where not exists (select from shown)
    order by 1
$$;

comment on function bi.explain_recommendation(text, text) is
'What the current lists say of one item for one user: its rank and reason in each list, or what keeps it out.';
