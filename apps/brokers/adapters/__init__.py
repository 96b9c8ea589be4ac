"""The venues: one file each, behind `algotrendy.trading.broker.BrokerGateway`."""
