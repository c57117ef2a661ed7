-- Takes a token back, unless it was used or taken back before. KEYS: the token. Answers 1 when it was.

local function is_set(value)
  return value ~= nil and value ~= cjson.null
end

local raw = redis.call('GET', KEYS[1])
if not raw then
  return 0
end
local record = cjson.decode(raw)
if is_set(record.usedAt) or is_set(record.revokedAt) then
  return 0
end
local time = redis.call('TIME')
record.revokedAt = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], cjson.encode(record), 'XX', 'KEEPTTL')
return 1
