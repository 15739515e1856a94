module example.com/wechatcustomers/api/client

go 1.25.0

require example.com/wechatcustomers/gen/models v0.2.0

replace example.com/wechatcustomers/gen/models => ../../gen/models
