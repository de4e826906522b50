-- What the current lists say of one item for one user: one row a list that the user has.
create or replace function bi.explain_recommendation(wanted_user text, wanted_item text)
returns table (list text, rank integer, story text)
language sql stable
as $$
    with lists as (
        select
            shown.list,
            count(*) as places
        from bi.current_user_recommendations as shown
        where shown.user_id = wanted_user
        group by shown.list
    )

    select
        lists.list,
        found.rank,
        case
            when found.rank is null
                then format('not among its %s places; python -m recsys explain tells why', lists.places)
            else format(
                '%s (from %s, score %s%s)',
                found.reason_text,
                found.generator,
                round(found.score::numeric, 3),
                ', moved most by ' || found.top_features
            )
        end as story
    from lists
    left join bi.current_user_recommendations as found
        on found.list = lists.list and found.user_id = wanted_user and found.item_id = wanted_item
    order by lists.list
$$;

comment on function bi.explain_recommendation(text, text) is
'What the current lists say of one item for one user: its rank and reason in each list, or that it is not there.';
