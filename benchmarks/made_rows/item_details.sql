-- %(items)s items in 40 categories; a few words make many titles alike, as a shop's are.
select
    %(day)s::date as as_of_date,
    'i' || lpad(i::text, 7, '0') as item_id,
    (array['Oat', 'Rice', 'Corn', 'Milk', 'Soy', 'Green', 'Black', 'Red', 'Fresh', 'Frozen'])[1 + i %% 10]
    || ' ' || (array['drink', 'bread', 'pasta', 'tea', 'coffee', 'soap', 'cream', 'snack'])[1 + i / 10 %% 8]
    || ' ' || i as title,
    'DEPARTMENT ' || i %% 8 || ' > AISLE ' || i %% 40 as category_path,
    'Brand ' || i %% 300 as brand,
    round((0.5 + i * 37 %% 2000 / 100.0)::numeric, 2)::double precision as list_price,
    (i * 13 %% 200)::double precision as on_hand,
    (200000 / (1 + i))::integer + i %% 7 as users,
    case when i %% 50 = 0 then 'retired' when i %% 70 = 0 then 'out_of_stock' end as held_back
from generate_series(0, %(items)s - 1) as i
