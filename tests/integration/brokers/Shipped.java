import org.apache.activemq.RedeliveryPolicy;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.region.policy.PolicyEntry;
import org.apache.activemq.store.kahadb.KahaDBPersistenceAdapter;

public class Shipped {
    public static void main(String[] arguments) throws Exception {
        var broker = new BrokerService();
        var store = new KahaDBPersistenceAdapter();
        var policy = new PolicyEntry();
        var redelivery = new RedeliveryPolicy();
        say("persistent", broker.isPersistent());
        say("schedulerSupport", broker.isSchedulerSupport());
        say("journalDiskSyncStrategy", store.getJournalDiskSyncStrategy().toLowerCase());
        say("journalDiskSyncInterval", store.getJournalDiskSyncInterval());
        say("journalMaxFileLength", store.getJournalMaxFileLength() / (1 << 20) + "mb");
        say("concurrentStoreAndDispatchQueues", store.isConcurrentStoreAndDispatchQueues());
        say("maxPageSize", policy.getMaxPageSize());
        say("priority.maxPageSize", policy.getMaxPageSize());
        say("expireMessagesPeriod", policy.getExpireMessagesPeriod());
        say("redelivery.maximumRedeliveries", redelivery.getMaximumRedeliveries());
        say("redelivery.initialRedeliveryDelay", redelivery.getInitialRedeliveryDelay());
        say("redelivery.redeliveryDelay", redelivery.getRedeliveryDelay());
        say("redelivery.useExponentialBackOff", redelivery.isUseExponentialBackOff());
        say("redelivery.backOffMultiplier", Math.round(redelivery.getBackOffMultiplier()));
        say("sendFailIfNoSpace", broker.getSystemUsage().isSendFailIfNoSpace());
        System.exit(0);
    }
    static void say(String name, Object value) { System.out.println(name + "=" + value); }
}
